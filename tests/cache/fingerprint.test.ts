import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, fingerprintOf } from '#cache/fingerprint.ts';

test('key order never matters, array order always does', () => {
  assert.equal(
    fingerprintOf({ a: 1, b: { c: 2, d: 3 } }),
    fingerprintOf({ b: { d: 3, c: 2 }, a: 1 }),
  );
  assert.notEqual(fingerprintOf([1, 2]), fingerprintOf([2, 1]));
});

test('property: canonical JSON reads back as the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('property: fingerprints are equal exactly when values are', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      assert.equal(fingerprintOf(a) === fingerprintOf(b), canonicalJson(a) === canonicalJson(b));
    }),
  );
});

test('what JSON would lose is refused', () => {
  assert.throws(() => fingerprintOf({ rate: Number.NaN }), /NaN/);
  assert.throws(() => fingerprintOf([Number.POSITIVE_INFINITY]), /Infinity/);
});
