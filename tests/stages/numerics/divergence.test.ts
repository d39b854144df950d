import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { crossEntropy, entropy, forwardKl } from '#stages/numerics/divergence.ts';
import { logSoftmax } from '#stages/numerics/softmax.ts';
import { assertClose } from '#tests/support/close.ts';
import { pairOfLogits, temperature } from '#tests/support/logits.ts';

test('property: KL is never negative, and 0 for equal distributions', () => {
  fc.assert(
    fc.property(pairOfLogits(1, 60), temperature, ([teacher, student], t) => {
      assert.ok(forwardKl(logSoftmax(teacher, t), logSoftmax(student, t)) >= -1e-12);
      assert.equal(forwardKl(logSoftmax(teacher, t), logSoftmax(teacher, t)), 0);
    }),
  );
});

test('property: KL is 0 only for equal distributions', () => {
  fc.assert(
    fc.property(pairOfLogits(2, 60), ([teacher, student]) => {
      const [p, q] = [logSoftmax(teacher), logSoftmax(student)];
      const apart = Math.max(...p.map((log, i) => Math.abs(Math.exp(log) - Math.exp(q[i] ?? 0))));
      // Pinsker: KL >= 2 (total variation)^2
      assert.ok(forwardKl(p, q) >= apart ** 2 / 2 - 1e-12);
    }),
  );
});

test('property: cross-entropy is entropy plus KL, hence never below the entropy', () => {
  fc.assert(
    fc.property(pairOfLogits(1, 60), ([teacher, student]) => {
      const [p, q] = [logSoftmax(teacher), logSoftmax(student)];
      assertClose(crossEntropy(p.map(Math.exp), q), entropy(p) + forwardKl(p, q), 1e-10);
    }),
  );
});

test('a class without probability costs nothing', () => {
  const certain = [0, Number.NEGATIVE_INFINITY];
  assert.equal(forwardKl(certain, certain), 0);
  assert.equal(crossEntropy([1, 0], certain), 0);
  assert.equal(forwardKl(certain, [-Math.LN2, -Math.LN2]), Math.LN2);
});
