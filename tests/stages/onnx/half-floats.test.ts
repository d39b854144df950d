import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floatOfHalf, halfOfInteger } from '#stages/onnx/half-floats.ts';

test('integers up to 2048 survive half floats', () => {
  for (let value = 0; value <= 2048; value++)
    assert.equal(floatOfHalf(halfOfInteger(value)), value);
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
