import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { populationDrift } from '#stages/numerics/drift.ts';

test('property: PSI is never negative, and nothing where the shares are equal', () => {
  const shares = fc
    .array(fc.integer({ min: 0, max: 50 }), { minLength: 2, maxLength: 8 })
    .filter((counts) => counts.some((count) => count > 0))
    .map((counts) => {
      const rows = counts.reduce((sum, count) => sum + count, 0);
      return { shares: counts.map((count) => count / rows), rows };
    });
  fc.assert(
    fc.property(shares, shares, (expected, other) => {
      const bins = Math.min(expected.shares.length, other.shares.length);
      const cut = (of: typeof expected) => ({ ...of, shares: of.shares.slice(0, bins) });
      assert.ok(populationDrift(cut(expected), cut(other)).psi >= 0);
      assert.ok(populationDrift(expected, expected).psi < 1e-12);
    }),
  );
});

test('PSI of a known shift, by hand', () => {
  const many = 1e9;
  const { psi, byChance } = populationDrift(
    { shares: [0.5, 0.5], rows: many },
    { shares: [0.8, 0.2], rows: many },
  );
  assert.ok(Math.abs(psi - (0.3 * Math.log(1.6) - 0.3 * Math.log(0.4))) < 1e-6);
  assert.ok(byChance < 1e-8);
});

test('rows of the same kind drift by about what chance gives', () => {
  const counts = [
    [30, 70],
    [45, 55],
  ] as const;
  const of = ([a, b]: readonly [number, number]) => ({ shares: [a / 100, b / 100], rows: 100 });
  const { psi, byChance } = populationDrift(of(counts[0]), of(counts[1]));
  assert.equal(byChance, 0.02);
  assert.ok(psi > 2 * byChance && psi < 10 * byChance);
});
