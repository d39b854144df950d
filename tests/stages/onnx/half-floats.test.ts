import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floatOfHalf, halfOf } from '#stages/onnx/half-floats.ts';

test('integers up to 2048 survive half floats', () => {
  for (let value = 0; value <= 2048; value++) assert.equal(floatOfHalf(halfOf(value)), value);
});

test('every half float comes back, and what lies between two goes to the nearer, of equals to the even', () => {
  for (let bits = 0; bits <= 0xffff; bits++) {
    const value = floatOfHalf(bits);
    if (!Number.isNaN(value)) assert.equal(halfOf(value), bits, `${bits}`);
    if (!Number.isFinite(value) || (bits & 0x7fff) === 0x7bff) continue;
    const next = floatOfHalf(bits + 1);
    const even = bits % 2 === 0 ? bits : bits + 1;
    assert.equal(halfOf((value + next) / 2), even);
    assert.equal(halfOf(0.49 * next + 0.51 * value), bits);
    assert.equal(halfOf(0.51 * next + 0.49 * value), bits + 1);
  }
  assert.deepEqual([65_519.9, 65_520, -1e30, NaN].map(halfOf), [0x7bff, 0x7c00, 0xfc00, 0x7e00]);
});

test('half floats are what IEEE says: signs, the smallest, the largest, infinities and NaN', () => {
  const known = [
    [0x3555, 0.333251953125],
    [0xc000, -2],
    [0x0001, 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7bff, 65_504],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
  ] as const;
  for (const [bits, value] of known) assert.equal(floatOfHalf(bits), value);
  assert.ok(Number.isNaN(floatOfHalf(0x7e00)));
});
