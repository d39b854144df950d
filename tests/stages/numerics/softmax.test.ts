import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { logSoftmax, logSumExp, softmax } from '#stages/numerics/softmax.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { logitsOf, temperature } from '#tests/support/logits.ts';

test('property: a softmax sums to one at every temperature', () => {
  fc.assert(
    fc.property(logitsOf(1, 100), temperature, (logits, t) => {
      const sum = softmax(logits, t).reduce((total, p) => total + p, 0);
      assertClose(sum, 1, 1e-12);
    }),
  );
});

test('property: adding a number to all logits changes nothing', () => {
  fc.assert(
    fc.property(
      logitsOf(1, 50),
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      (logits, shift) => {
        const shifted = logits.map((logit) => logit + shift);
        assertAllClose(logSoftmax(shifted), logSoftmax(logits), 1e-9);
      },
    ),
  );
});

test('logSumExp neither overflows nor underflows', () => {
  assertClose(logSumExp([1e4, 1e4]), 1e4 + Math.LN2, 1e-15);
  assertClose(logSumExp([-1e4, -1e4]), -1e4 + Math.LN2, 1e-15);
  assert.equal(logSumExp([]), Number.NEGATIVE_INFINITY);
});
