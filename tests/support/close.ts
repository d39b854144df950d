import assert from 'node:assert/strict';

/** Fails where two numbers differ by more than the tolerance, relative to their size where that is above 1. */
export function assertClose(
  actual: number,
  expected: number,
  tolerance: number,
  what = 'value',
): void {
  const allowed = tolerance * Math.max(1, Math.abs(expected));
  const difference = Math.abs(actual - expected);
  assert.ok(difference <= allowed, `${what}: ${actual} is not ${expected} (within ${tolerance})`);
}

/** The same, entry by entry. */
export function assertAllClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = 'entry',
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    assertClose(actual[i] ?? Number.NaN, expected[i] ?? Number.NaN, tolerance, `${what} ${i}`);
  }
}
