import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { confidenceWithout, leastConfidence } from '#stages/numerics/claim-thresholds.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { logSoftmax } from '#stages/numerics/softmax.ts';
import { fitTemperature } from '#stages/numerics/temperature-scaling.ts';

const claimsOf = fc.array(
  fc.record({
    confidence: fc.integer({ min: 0, max: 20 }).map((part) => part / 20),
    isRight: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);
const shareRight = (claims: readonly { readonly isRight: boolean }[]) =>
  claims.filter(({ isRight }) => isRight).length / claims.length;

test('property: no lower threshold than the least one reaches the precision', () => {
  fc.assert(
    fc.property(claimsOf, fc.constantFrom(0.5, 0.8, 0.95), (claims, precision) => {
      const least = leastConfidence(claims, precision);
      const above = (from: number) => claims.filter(({ confidence }) => confidence >= from);
      if (least !== null) assert.ok(shareRight(above(least)) >= precision);
      for (const { confidence } of claims) {
        const isEnough = shareRight(above(confidence)) >= precision;
        assert.ok(!isEnough || (least !== null && confidence >= least));
        // Half-way: what is as sure as a claim, but for its last bits, is treated like it.
        if (least !== null && least > 0) assert.ok(Math.abs(confidence - least) > 0.01);
      }
    }),
  );
});

test('property: at most the share lies below the confidence, and one value more would be too much', () => {
  fc.assert(
    fc.property(claimsOf, fc.constantFrom(0.05, 0.3, 0.5), (claims, share) => {
      const from = confidenceWithout(claims, share);
      const below = (limit: number) =>
        claims.filter(({ confidence }) => confidence < limit).length / claims.length;
      assert.ok(below(from) <= share);
      const next = claims.map(({ confidence }) => confidence).filter((one) => one > from);
      if (next.length > 0) assert.ok(below(Math.min(...next) + 0.01) > share);
    }),
  );
});

test('the temperature that drew the classes is found again, and no other explains them better', () => {
  const random = randomFor(5, 'temperature');
  const [rows, classCount, planted] = [4000, 5, 1.7];
  const logits = Float32Array.from({ length: rows * classCount }, () => 6 * random());
  const own = (row: number) => logits.subarray(row * classCount, (row + 1) * classCount);
  const goldIds = Array.from({ length: rows }, (_, row) => {
    let rest = random();
    const probs = logSoftmax(own(row), planted).map(Math.exp);
    return Math.max(
      0,
      probs.findIndex((prob) => (rest -= prob) < 0),
    );
  });
  const found = fitTemperature(logits, goldIds);
  assert.ok(Math.abs(found - planted) < 0.1, `${found}`);
  const loss = (temperature: number) =>
    goldIds.reduce((sum, id, row) => sum - (logSoftmax(own(row), temperature)[id] ?? NaN), 0);
  for (const factor of [0.98, 0.999, 1.001, 1.02]) assert.ok(loss(found) < loss(found * factor));
});

test('rows that are all right, or all wrong, do not lead to 0 or infinity', () => {
  const logits = Float32Array.from([4, 0, 0, 4]);
  assert.ok(Math.abs(fitTemperature(logits, [0, 1]) - 1 / 8) < 1e-6);
  assert.ok(Math.abs(fitTemperature(logits, [1, 0]) - 8) < 1e-6);
});
