import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { cosineLoss, relationLoss } from '#stages/tensorflow/hint-loss.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { differentiate } from '#tests/support/student-loss.ts';
import { tf } from '#tests/support/tensorflow.ts';

type Rows = number[][];

const weights = [1, 1, 0, 1];
const losses = {
  cosine: { fast: cosineLoss, slow: meanCosine, targetWidth: 5 },
  relation: { fast: relationLoss, slow: meanRelation, targetWidth: 3 },
};

for (const [name, { fast, slow, targetWidth }] of Object.entries(losses)) {
  const compute = (student: Rows, targets: Rows) =>
    differentiate(student, (features) =>
      fast(tf, features, { targets: tf.tensor2d(targets), weights: tf.tensor1d(weights) }),
    );

  test(`${name}: loss and gradient are those of the formula and of its differences`, () => {
    for (const seed of [1, 2, 3]) {
      const [student, targets] = [rowsOf(seed, 5), rowsOf(seed + 10, targetWidth)];
      const { loss, gradient } = compute(student, targets);
      assertClose(loss, slow(student, targets), 1e-5, 'loss');
      assertAllClose(
        gradient.flat(),
        differences(student, (moved) => slow(moved, targets)),
        1e-5,
      );
    }
  });

  test(`${name}: 0 at the target and at a multiple of it, more elsewhere, and a row of nothing breaks nothing`, () => {
    const targets = rowsOf(4, 5);
    const { loss, gradient } = compute(
      targets.map((row) => row.map((value) => 3 * value)),
      targets,
    );
    assertClose(loss, 0, 1e-6);
    for (const slope of gradient.flat()) assertClose(slope, 0, 1e-6);
    assert.ok(compute(rowsOf(5, 5), targets).loss > 0.01);
    const empty = compute(
      targets.map((row, at) => (at === 1 ? row.map(() => 0) : row)),
      targets,
    );
    assert.ok([empty.loss, ...empty.gradient.flat()].every(Number.isFinite));
  });
}

function meanCosine(student: Rows, targets: Rows): number {
  const counted = student.map(
    (row, at) => (weights[at] ?? 0) * (1 - cosine(row, targets[at] ?? [])),
  );
  return counted.reduce((sum, one) => sum + one, 0) / total();
}

function meanRelation(student: Rows, targets: Rows): number {
  let sum = 0;
  for (const [a, first] of student.entries()) {
    for (const [b, second] of student.entries()) {
      const share = ((weights[a] ?? 0) * (weights[b] ?? 0)) / total() ** 2;
      sum += share * (cosine(first, second) - cosine(targets[a] ?? [], targets[b] ?? [])) ** 2;
    }
  }
  return sum;
}

function total(): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}

function differences(rows: Rows, lossOf: (rows: Rows) => number): number[] {
  const step = 1e-5;
  return rows.flatMap((row, r) =>
    row.map((_, c) => {
      const moved = (by: number) =>
        lossOf(rows.map((one, at) => one.map((v, i) => (at === r && i === c ? v + by : v))));
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  );
}

function rowsOf(seed: number, width: number): Rows {
  const random = randomFor(seed, 'features');
  return weights.map(() => Array.from({ length: width }, () => normal(random)));
}
