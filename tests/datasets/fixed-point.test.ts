import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  FIXED_POINTS,
  fromFixedPoint,
  normaliserFromTail,
  toFixedPoint,
} from '#datasets/fixed-point.ts';
import { forwardKl } from '#stages/numerics/divergence.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { logitsOf } from '#tests/support/logits.ts';

for (const [name, largestKl] of [
  // A step of s nats is wrong by at most s / 2 everywhere: KL <= (s / 2)^2 / 2, and some float32.
  ['compact', 4e-8],
  ['small', 6e-4],
] as const) {
  const fixed = FIXED_POINTS[name];

  test(`property: ${name} values give the distribution back at every temperature`, () => {
    fc.assert(
      fc.property(logitsOf(4, 60), fc.constantFrom(1, 1.5, 4), (logits, temperature) => {
        const k = 3;
        const exact = topK(logits, k, temperature);
        const atOne = topK(logits, k);
        const topLogits = Float32Array.from(exact.ids, (id) => logits[id] ?? Number.NaN);
        const lse = Float32Array.of(atOne.logSumExp);
        const steps = toFixedPoint(topLogits, lse, fixed);
        const rounded = fromFixedPoint(steps, lse, fixed);
        const tail = Float32Array.of(exact.tailLogMass);
        const [normaliser = Number.NaN] = normaliserFromTail(rounded, tail, temperature);
        const found = Float64Array.from(rounded, (logit) => logit / temperature - normaliser);
        const all = [...found, exact.tailLogMass];
        const total = all.reduce((sum, log) => sum + Math.exp(log), 0);
        assert.ok(Math.abs(total - 1) < 1e-5, `adds up to ${total}`);
        const normalised = all.map((log) => log - Math.log(total));
        const kl = forwardKl([...exact.logProbs, exact.tailLogMass], normalised);
        const isInRange = steps.every((step) => step < fixed.largest);
        assert.ok(!isInRange || Math.abs(kl) < largestKl, `KL ${kl}`);
      }),
    );
  });

  test(`property: ${name} values that were read become the same values again`, () => {
    const row = fc.tuple(
      fc.array(fc.nat(fixed.largest), { minLength: 1, maxLength: 20 }),
      fc.double({ min: -200, max: 200, noNaN: true }),
    );
    fc.assert(
      fc.property(row, ([items, normaliser]) => {
        const [steps, lse] = [Int32Array.from(items), Float32Array.of(normaliser)];
        assert.deepEqual(toFixedPoint(fromFixedPoint(steps, lse, fixed), lse, fixed), steps);
      }),
    );
  });
}

test('what is less likely than the last step is stored as that, and nothing is above 0', () => {
  const lse = Float32Array.of(1);
  const logits = Float32Array.of(1.1, 1, 0.5, -31.5, -1000, Number.NEGATIVE_INFINITY);
  assert.deepEqual(
    [...toFixedPoint(logits, lse, FIXED_POINTS.compact)],
    [0, 0, 1024, 65_535, 65_535, 65_535],
  );
  assert.deepEqual([...toFixedPoint(logits, lse, FIXED_POINTS.small)], [0, 0, 8, 255, 255, 255]);
});
