import assert from 'node:assert/strict';

/** No two numbers lie further apart than `tolerance`. */
export function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what = 'values',
): void {
  assert.equal(actual.length, expected.length, what);
  const worst = Math.max(
    ...actual.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))),
  );
  assert.ok(worst <= tolerance, `${what}: ${worst} > ${tolerance}`);
}
