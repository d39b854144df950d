import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { softmax } from '#stages/numerics/softmax.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { logitsOf, temperature } from '#tests/support/logits.ts';

const cut = fc.integer({ min: 1, max: 8 });

test('property: top-k and tail together carry all probability', () => {
  fc.assert(
    fc.property(logitsOf(2, 200), cut, temperature, (logits, k, t) => {
      const { logProbs, tailLogMass } = topK(logits, k, t);
      const top = logProbs.reduce((sum, log) => sum + Math.exp(log), 0);
      assertClose(top + Math.exp(tailLogMass), 1, 1e-12);
    }),
  );
});

test('property: the top k are the best classes, best first, with their probabilities', () => {
  fc.assert(
    fc.property(logitsOf(2, 50), cut, temperature, (logits, k, t) => {
      const probs = softmax(logits, t);
      const { ids, logProbs } = topK(logits, k, t);
      const best = [...probs].sort((a, b) => b - a).slice(0, k);
      assertAllClose(logProbs.map(Math.exp), best, 1e-12);
      assertAllClose(
        Array.from(ids, (id) => probs[id] ?? Number.NaN),
        best,
        1e-12,
      );
    }),
  );
});

test('of equal logits the smaller class comes first', () => {
  assert.deepEqual([...topK([1, 3, 3, 0], 3).ids], [1, 2, 0]);
});

test('a tail far below what 1 - sum can hold is still exact', () => {
  assertClose(topK([0, -60], 1).tailLogMass, -60, 1e-15);
});

test('no class outside the k leaves an empty tail', () => {
  assert.equal(topK([1, 2], 2).tailLogMass, Number.NEGATIVE_INFINITY);
});
