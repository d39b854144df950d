import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { symmetricEigen } from '#stages/numerics/symmetric-eigen.ts';
import { narrowedTable } from '#stages/numerics/truncated-svd.ts';

for (const size of [1, 2, 5, 40]) {
  test(`the eigenvectors of a symmetric matrix of ${size} rows are orthonormal and give it back`, () => {
    const random = randomFor(size, 'symmetric');
    const matrix = Array.from({ length: size }, () => new Float64Array(size));
    for (const [i, row] of matrix.entries()) {
      for (let j = 0; j <= i; j++) {
        row[j] = normal(random);
        (matrix[j] ?? row)[i] = row[j] ?? 0;
      }
    }
    const { values, vectors } = symmetricEigen(matrix);
    for (const [i, a] of vectors.entries()) {
      for (const [j, b] of vectors.entries()) assertNear(dot(a, b), i === j ? 1 : 0);
    }
    for (const [i, row] of matrix.entries()) {
      for (const [j, expected] of row.entries()) {
        const back = vectors.reduce(
          (sum, v, k) => sum + (values[k] ?? 0) * (v[i] ?? 0) * (v[j] ?? 0),
          0,
        );
        assertNear(back, expected);
      }
    }
  });
}

test('equal eigenvalues and a matrix of zeros have eigenvectors too', () => {
  for (const diagonal of [
    [0, 0, 0],
    [2, 2, 2],
    [1, 0, 1],
  ]) {
    const matrix = diagonal.map((value, i) =>
      Float64Array.from(diagonal, (_, j) => (i === j ? value : 0)),
    );
    const { values, vectors } = symmetricEigen(matrix);
    assert.deepEqual([...values].sort(ascending), [...diagonal].sort(ascending));
    for (const v of vectors) assertNear(dot(v, v), 1);
  }
});

test('a table of rank 3 loses nothing in 3 columns: all distances between its rows stay', () => {
  const random = randomFor(1, 'rank');
  const [left, right] = [12 * 3, 3 * 8].map((count) =>
    Array.from({ length: count }, () => normal(random)),
  );
  const table = Float32Array.from({ length: 12 * 8 }, (_, place) => {
    const [row, column] = [Math.floor(place / 8), place % 8];
    return [0, 1, 2].reduce(
      (sum, k) => sum + (left?.[row * 3 + k] ?? 0) * (right?.[k * 8 + column] ?? 0),
      0,
    );
  });
  const narrow = narrowedTable(table, 8, 3);
  for (let a = 0; a < 12; a++) {
    for (let b = 0; b < a; b++)
      assertNear(distance(narrow, 3, a, b), distance(table, 8, a, b), 1e-4);
  }
});

test('the columns are orthogonal, the largest first, and no other two columns keep more', () => {
  const random = randomFor(2, 'table');
  const table = Float32Array.from(
    { length: 50 * 6 },
    (_, place) => normal(random) * (1 + (place % 6)),
  );
  const narrow = narrowedTable(table, 6, 2);
  const column = (k: number) =>
    Float64Array.from({ length: 50 }, (_, row) => narrow[row * 2 + k] ?? 0);
  const [first, second] = [column(0), column(1)];
  assertNear(dot(first, second) / dot(first, first), 0, 1e-6);
  assert.ok(dot(first, first) >= dot(second, second));
  const kept = dot(first, first) + dot(second, second);
  // Orthonormal pairs of directions at random, made by Gram and Schmidt.
  for (let trial = 0; trial < 200; trial++) {
    const [u, v] = [0, 1].map(() => Float64Array.from({ length: 6 }, () => normal(random)));
    if (u === undefined || v === undefined) continue;
    const share = dot(u, v) / dot(u, u);
    const w = v.map((value, k) => value - share * (u[k] ?? 0));
    const energy = [u, w].reduce(
      (sum, axis) => sum + energyAlong(table, axis) / dot(axis, axis),
      0,
    );
    assert.ok(energy <= kept * (1 + 1e-9), `${energy} > ${kept}`);
  }
});

test('the same table gives the same bits, whatever order its rows have', () => {
  const random = randomFor(3, 'order');
  const table = Float32Array.from({ length: 30 * 5 }, () => normal(random));
  assert.deepEqual(narrowedTable(table, 5, 3), narrowedTable(table.slice(), 5, 3));
  const turned = Float32Array.from(
    table,
    (_, place) => table[(29 - Math.floor(place / 5)) * 5 + (place % 5)] ?? 0,
  );
  const [narrow, other] = [narrowedTable(table, 5, 3), narrowedTable(turned, 5, 3)];
  for (let row = 0; row < 30; row++) {
    for (let k = 0; k < 3; k++)
      assertNear(other[(29 - row) * 3 + k] ?? NaN, narrow[row * 3 + k] ?? NaN, 1e-5);
  }
});

function energyAlong(table: Float32Array, axis: Float64Array): number {
  let energy = 0;
  for (let start = 0; start < table.length; start += axis.length) {
    energy += dot(Float64Array.from(table.subarray(start, start + axis.length)), axis) ** 2;
  }
  return energy;
}

function distance(table: Float32Array, width: number, a: number, b: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++)
    sum += ((table[a * width + k] ?? 0) - (table[b * width + k] ?? 0)) ** 2;
  return Math.sqrt(sum);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);
}

function assertNear(actual: number, expected: number, tolerance = 1e-10): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

const ascending = (a: number, b: number) => a - b;
