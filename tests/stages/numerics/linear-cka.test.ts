import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearCka } from '#stages/numerics/linear-cka.ts';
import { randomFor } from '#stages/numerics/random.ts';

const ROWS = 40;
const random = randomFor(5, 'cka');
const matrix = (width: number) => ({
  values: Float32Array.from({ length: ROWS * width }, () => random() - 0.3),
  width,
});
const [x, y] = [matrix(7), matrix(4)];

test('linear CKA is what the centred Gram matrices of the rows say', () => {
  const expected =
    hsic(gram(x), gram(y)) / Math.sqrt(hsic(gram(x), gram(x)) * hsic(gram(y), gram(y)));
  assert.ok(expected > 0.01 && expected < 0.99);
  assert.ok(Math.abs((linearCka(x, y, ROWS) ?? Number.NaN) - expected) < 1e-9);
});

test('it does not change when features are turned, scaled and moved', () => {
  const turned = {
    width: 2,
    values: Float64Array.from({ length: ROWS * 2 }, (_, at) => {
      const [a, b] = x.values.subarray(Math.floor(at / 2) * 7);
      const [cos, sin] = [Math.cos(1.1), Math.sin(1.1)];
      const [p, q] = [a ?? 0, b ?? 0];
      return 3 * (at % 2 === 0 ? cos * p - sin * q : sin * p + cos * q) + 5;
    }),
  };
  const two = {
    width: 2,
    values: Float32Array.from(
      { length: ROWS * 2 },
      (_, at) => x.values[Math.floor(at / 2) * 7 + (at % 2)] ?? 0,
    ),
  };
  assert.ok(Math.abs((linearCka(two, turned, ROWS) ?? 0) - 1) < 1e-6);
  assert.ok(Math.abs((linearCka(two, y, ROWS) ?? 0) - (linearCka(turned, y, ROWS) ?? 1)) < 1e-6);
});

test('features that are the same for all rows are like nothing', () => {
  assert.equal(linearCka({ values: new Float32Array(ROWS).fill(2), width: 1 }, y, ROWS), null);
  assert.throws(() => linearCka(x, y, ROWS + 1), RangeError);
});

type Matrix = { values: ArrayLike<number>; width: number };

/** The slow form of Kornblith et al., equation 2: inner products of rows, centred on both sides. */
function gram({ values, width }: Matrix): number[][] {
  const rows = Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length: width }, (_, at) => values[row * width + at] ?? 0),
  );
  const dot = (a: number[], b: number[]) => a.reduce((sum, v, at) => sum + v * (b[at] ?? 0), 0);
  const plain = rows.map((a) => rows.map((b) => dot(a, b)));
  const means = plain.map((row) => row.reduce((sum, v) => sum + v, 0) / ROWS);
  const all = means.reduce((sum, v) => sum + v, 0) / ROWS;
  return plain.map((row, i) => row.map((v, j) => v - (means[i] ?? 0) - (means[j] ?? 0) + all));
}

function hsic(a: number[][], b: number[][]): number {
  return a.reduce((sum, row, i) => sum + row.reduce((s, v, j) => s + v * (b[i]?.[j] ?? 0), 0), 0);
}
