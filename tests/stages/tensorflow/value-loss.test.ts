import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { RowLoss } from '#stages/numerics/distillation.ts';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { binaryLoss, distillBinary, squaredError } from '#stages/numerics/value-losses.ts';
import type { Scalar, Tensor2D } from '#stages/tensorflow/runtime.ts';
import { binaryHardLoss, binarySoftLoss, squaredErrorLoss } from '#stages/tensorflow/value-loss.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { differentiate } from '#tests/support/student-loss.ts';
import { tf } from '#tests/support/tensorflow.ts';

const batches = fc
  .record({
    rows: fc.integer({ min: 1, max: 5 }),
    width: fc.integer({ min: 1, max: 12 }),
    temperature: fc.constantFrom(0.5, 1, 2, 4),
    seed: fc.integer(),
  })
  .map(({ rows, width, temperature, seed }) => {
    const random = randomFor(seed, 'batch');
    const numbers = (scale: number) =>
      Array.from({ length: rows }, () =>
        Array.from({ length: width }, () => scale * normal(random)),
      );
    const shares = numbers(1).map((row) =>
      row.map((value) => (value > 0 ? 1 : value > -0.3 ? 0.5 : 0)),
    );
    const weights = Array.from({ length: rows }, () => (random() < 0.3 ? 0 : 1));
    return { student: numbers(4), teacher: numbers(4), shares, weights, temperature };
  });

test('property: the squared error and its gradient are those of the float64 oracle', () => {
  fc.assert(
    fc.property(batches, ({ student, teacher, weights }) => {
      check(
        student,
        weights,
        (row, b) => squaredError(row, teacher[b] ?? []),
        (values) =>
          squaredErrorLoss(tf, values, {
            targets: tf.tensor2d(teacher),
            weights: tf.tensor1d(weights),
          }),
      );
    }),
    { numRuns: 30 },
  );
});

test('property: the binary soft loss and its gradient are those of the float64 oracle, at every T', () => {
  fc.assert(
    fc.property(batches, ({ student, teacher, weights, temperature }) => {
      check(
        student,
        weights,
        (row, b) => distillBinary(row, teacher[b] ?? [], temperature),
        (logits) =>
          binarySoftLoss(tf, logits, {
            teacherLogits: tf.tensor2d(teacher),
            temperature: tf.scalar(temperature),
            weights: tf.tensor1d(weights),
          }),
      );
    }),
    { numRuns: 30 },
  );
});

test('property: the binary hard loss with smoothing is the cross-entropy with smoothed shares', () => {
  fc.assert(
    fc.property(
      batches,
      fc.constantFrom(0, 0.2),
      ({ student, shares, weights }, labelSmoothing) => {
        const smoothed = shares.map((row) =>
          row.map((share) => share * (1 - labelSmoothing) + labelSmoothing / 2),
        );
        check(
          student,
          weights,
          (row, b) => binaryLoss(row, smoothed[b] ?? []),
          (logits) =>
            binaryHardLoss(tf, logits, {
              targets: tf.tensor2d(shares),
              weights: tf.tensor1d(weights),
              labelSmoothing,
            }),
        );
      },
    ),
    { numRuns: 30 },
  );
});

test('a student that says what its teacher says loses nothing, and none is ever below 0', () => {
  fc.assert(
    fc.property(batches, ({ student, teacher, temperature }) => {
      assert.ok(
        Math.abs(distillBinary(student[0] ?? [], student[0] ?? [], temperature).loss) < 1e-12,
      );
      assert.ok(distillBinary(student[0] ?? [], teacher[0] ?? [], temperature).loss >= -1e-12);
    }),
  );
});

function check(
  student: number[][],
  weights: readonly number[],
  oracle: (row: number[], b: number) => RowLoss,
  lossOf: (logits: Tensor2D) => Scalar,
): void {
  const rows = student.map(oracle);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const share = weights.map((weight) => (total === 0 ? 0 : weight / total));
  const { loss, gradient } = differentiate(student, lossOf);
  assertClose(
    loss,
    rows.reduce((sum, row, b) => sum + row.loss * (share[b] ?? 0), 0),
    1e-4,
  );
  assertAllClose(
    gradient.flat(),
    rows.flatMap((row, b) => Array.from(row.gradient, (slope) => slope * (share[b] ?? 0))),
    1e-4,
  );
}
