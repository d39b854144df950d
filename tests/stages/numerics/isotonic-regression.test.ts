import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fitIsotonic, isotonicAt } from '#stages/numerics/isotonic-regression.ts';

test('values in order are kept', () => {
  const fit = fitIsotonic([1, 2, 3], [0, 0.5, 1]);
  assert.deepEqual(
    [1, 2, 3].map((x) => isotonicAt(fit, x)),
    [0, 0.5, 1],
  );
});

test('violators are pooled to their mean, whatever the order of the rows', () => {
  const fit = fitIsotonic([3, 1, 4, 2], [0, 0, 1, 1]);
  assert.deepEqual(
    [1, 2, 3, 4].map((x) => isotonicAt(fit, x)),
    [0, 0.5, 0.5, 1],
  );
});

test('equal confidences are one point', () => {
  const fit = fitIsotonic([0.5, 0.5, 0.5, 0.5], [1, 0, 1, 1]);
  assert.equal(isotonicAt(fit, 0.1), 0.75);
  assert.equal(isotonicAt(fit, 0.9), 0.75);
});

test('between knots it is linear, outside it is flat', () => {
  const fit = fitIsotonic([0, 1], [0, 1]);
  assert.equal(isotonicAt(fit, 0.25), 0.25);
  assert.equal(isotonicAt(fit, -1), 0);
  assert.equal(isotonicAt(fit, 2), 1);
});

test('knots that are the smallest numbers apart keep their values', () => {
  const fit = fitIsotonic([0, 5e-324], [0, 1]);
  assert.deepEqual([isotonicAt(fit, 0), isotonicAt(fit, 5e-324)], [0, 1]);
  const half = fitIsotonic([0, 0, 5e-324], [0, 1, 1]);
  assert.equal(isotonicAt(half, 5e-324), 1);
});

test('no point, no fit', () => {
  assert.throws(() => fitIsotonic([], []), RangeError);
});

const points = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1)),
  { minLength: 1, maxLength: 40 },
);

test('property: the fit never falls and keeps the mean of the ys', () => {
  fc.assert(
    fc.property(points, (rows) => {
      const xs = rows.map(([x]) => x);
      const fit = fitIsotonic(
        xs,
        rows.map(([, y]) => y),
      );
      const fitted = xs.toSorted((a, b) => a - b).map((x) => isotonicAt(fit, x));
      fitted.forEach((y, index) => assert.ok(index === 0 || y >= (fitted[index - 1] ?? 0) - 1e-12));
      const mean = rows.reduce((sum, [, y]) => sum + y, 0) / rows.length;
      assert.ok(Math.abs(fitted.reduce((sum, y) => sum + y, 0) / rows.length - mean) < 1e-9);
    }),
  );
});

test('property: no other step function of two levels is closer', () => {
  fc.assert(
    fc.property(points, fc.double({ min: 0, max: 1, noNaN: true }), (rows, cut) => {
      const fit = fitIsotonic(
        rows.map(([x]) => x),
        rows.map(([, y]) => y),
      );
      const loss = (at: (x: number) => number) =>
        rows.reduce((sum, [x, y]) => sum + (y - at(x)) ** 2, 0);
      const meanOf = (part: readonly (readonly [number, number])[]) =>
        part.reduce((sum, [, y]) => sum + y, 0) / Math.max(1, part.length);
      const low = meanOf(rows.filter(([x]) => x < cut));
      const high = Math.max(low, meanOf(rows.filter(([x]) => x >= cut)));
      assert.ok(loss((x) => isotonicAt(fit, x)) <= loss((x) => (x < cut ? low : high)) + 1e-9);
    }),
  );
});
