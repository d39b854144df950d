import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { logScale, niceTicks, roundScale, spread } from '#stages/report/plots/scale.ts';

test('ticks are round numbers without floating-point dust', () => {
  assert.deepEqual(niceTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(niceTicks(0, 1500, 3), [0, 500, 1000, 1500]);
  assert.deepEqual(niceTicks(0.84, 0.94, 5), [0.84, 0.86, 0.88, 0.9, 0.92, 0.94]);
});

test('a round scale holds both ends and ends at ticks', () => {
  const { ticks, place } = roundScale(0.837, 0.9204, [10, 130]);
  assert.deepEqual(ticks, [0.82, 0.84, 0.86, 0.88, 0.9, 0.92, 0.94]);
  assert.deepEqual([place(0.82), place(0.88), place(0.94)].map(Math.round), [10, 70, 130]);
});

test('one value alone still has a place and a tick', () => {
  const scale = roundScale(3, 3, [0, 100]);
  assert.ok(Number.isFinite(scale.place(3)));
  assert.ok(scale.ticks.length > 0);
});

test('equal ratios are equally far apart on a logarithmic scale', () => {
  const scale = logScale([1, 100], [0, 200]);
  assert.ok(Math.abs(scale.place(10) - 100) < 1e-9);
  assert.deepEqual(scale.ticks, [1, 2, 5, 10, 20, 50, 100]);
});

const positions = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), {
  minLength: 1,
  maxLength: 6,
});

test('property: spread labels keep their order and their distance and stay on the paper', () => {
  fc.assert(
    fc.property(positions, (wanted) => {
      const placed = spread(wanted, 12, [0, 100]);
      const order = wanted
        .map((_, index) => index)
        .sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0) || a - b);
      const sorted = order.map((index) => placed[index] ?? Number.NaN);
      sorted.forEach((height, index) => {
        assert.ok(height >= -1e-9 && height <= 100 + 1e-9);
        assert.ok(index === 0 || height - (sorted[index - 1] ?? 0) >= 12 - 1e-9);
      });
    }),
  );
});

test('property: ticks ascend inside their range', () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(number, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (low, width) => {
      const { ticks, place } = roundScale(low, low + width, [0, 1]);
      const [from = Number.NaN, to = Number.NaN] = [ticks[0], ticks.at(-1)];
      assert.ok(from <= low + width * 1e-6 && to >= low + width * (1 - 1e-6));
      assert.ok(Math.abs(place(from)) < 1e-3 && Math.abs(place(to) - 1) < 1e-3);
      assert.ok(ticks.length >= 2 && ticks.length <= 13, String(ticks));
      assert.deepEqual(
        ticks,
        ticks.toSorted((a, b) => a - b),
      );
    }),
  );
});
