import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomFor } from '#stages/numerics/random.ts';
import { ratioEstimate } from '#stages/numerics/ratio-estimate.ts';

test('equal ratios leave nothing open', () => {
  const { ratio, low, high } = ratioEstimate([
    [1, 2],
    [3, 6],
    [10, 20],
  ]);
  assert.deepEqual([ratio, low, high], [2, 2, 2]);
});

test('property: the interval holds the ratio, and scales with y', () => {
  const pair = fc.tuple(fc.double({ min: 0.1, max: 9, noNaN: true }), fc.nat(100));
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 20 }), (pairs) => {
      const one = ratioEstimate(pairs);
      assert.ok(one.low <= one.ratio && one.ratio <= one.high);
      const three = ratioEstimate(pairs.map(([x, y]) => [x, 3 * y]));
      assert.ok(Math.abs(three.high - 3 * one.high) <= 1e-9 * Math.max(1, three.high));
    }),
  );
});

test('the true ratio lies in about 95 of 100 intervals', () => {
  const random = randomFor(1, 'ratio-estimate');
  const hits = Array.from({ length: 1000 }, () => {
    const pairs = Array.from({ length: 40 }, (): [number, number] => {
      const x = 1 + 4 * random();
      return [x, 2 * x * (0.5 + random())];
    });
    const { low, high } = ratioEstimate(pairs);
    return low <= 2 && 2 <= high;
  });
  const share = hits.filter(Boolean).length / hits.length;
  assert.ok(share > 0.92 && share < 0.98, `${share}`);
});
