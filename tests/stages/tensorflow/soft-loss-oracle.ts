import { divergences } from '#stages/numerics/soft-losses.ts';
import { logSoftmax, logSumExp } from '#stages/numerics/softmax.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { softLossBuckets } from '#stages/tensorflow/bucket-loss.ts';
import { softLoss } from '#stages/tensorflow/soft-loss.ts';
import { type SoftLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import { binaryDivergence } from '#stages/tensorflow/value-loss.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { type BatchLoss, differentiate } from '#tests/support/student-loss.ts';
import { tf } from '#tests/support/tensorflow.ts';

/** Logits of a batch of rows. */
export interface Rows {
  readonly student: number[][];
  readonly teacher: number[][];
  readonly temperature: number;
  readonly weights: readonly number[];
}

/** The loss over all classes. */
export function dense(
  kind: SoftLossKind,
  { student, teacher, temperature, weights }: Rows,
): BatchLoss {
  return differentiate(student, (logits) =>
    softLoss(tf, kind, logits, {
      type: 'dense',
      teacherLogits: tf.tensor2d(teacher),
      temperature: tf.scalar(temperature),
      weights: tf.tensor1d([...weights]),
    }),
  );
}

/** The loss over the top k and a bucket, in the form for many classes. */
export function buckets(kind: SoftLossKind, batch: Rows, k: number): BatchLoss {
  return differentiate(batch.student, (logits) =>
    softLossBuckets(tf, kind, logits, topKTargets(batch, k)),
  );
}

/** The loss of yes and no, class by class. */
export function binary(
  kind: SoftLossKind,
  { student, teacher, temperature, weights }: Rows,
): BatchLoss {
  return differentiate(student, (logits) =>
    binaryDivergence(tf, kind, logits, {
      teacherLogits: tf.tensor2d(teacher),
      temperature: tf.scalar(temperature),
      weights: tf.tensor1d([...weights]),
    }),
  );
}

/** What a cache would hold of the teacher. */
export function topKTargets({ teacher, temperature, weights }: Rows, k: number) {
  const tops = teacher.map((row) => topK(row, k, temperature));
  return {
    topIds: tf.tensor2d(
      tops.map(({ ids }) => [...ids]),
      undefined,
      'int32',
    ),
    teacherLogProbs: tf.tensor2d(tops.map(({ logProbs }) => [...logProbs])),
    tailLogMass: tf.tensor1d(tops.map(({ tailLogMass }) => tailLogMass)),
    temperature: tf.scalar(temperature),
    weights: tf.tensor1d([...weights]),
  };
}

/** Loss of one row, of the student's and the teacher's logits. */
type RowOracle = (student: readonly number[], teacher: readonly number[]) => number;

/** The mean of what the oracle says of the rows, and its slopes by differences in float64. */
export function assertIs(
  actual: BatchLoss,
  { student, teacher, weights, temperature }: Rows,
  oracle: RowOracle,
): void {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight) => weight / total);
  const loss = student.reduce(
    (sum, row, b) => sum + (shares[b] ?? 0) * oracle(row, teacher[b] ?? []),
    0,
  );
  const scale = Math.max(1, temperature ** 2, Math.abs(loss));
  assertClose(actual.loss, loss, 1e-5 * scale, 'loss');
  const slopes = student.map((row, b) =>
    differencesOf((moved) => oracle(moved, teacher[b] ?? []), row).map(
      (slope) => slope * (shares[b] ?? 0),
    ),
  );
  const steepest = slopes.flat().reduce((most, slope) => Math.max(most, Math.abs(slope)), 1);
  assertAllClose(actual.gradient.flat(), slopes.flat(), 1e-5 * steepest, 'gradient');
}

/** The same of one row, in float64. */
export function denseOf(
  kind: SoftLossKind,
  student: readonly number[],
  teacher: readonly number[],
  { temperature: t }: Rows,
): number {
  if (kind.name === 'mse') return divergences.mse(teacher, student);
  return t ** 2 * apply(kind, [...logSoftmax(teacher, t)], [...logSoftmax(student, t)]);
}

/** The same of one row, in float64. */
export function bucketsOf(
  kind: SoftLossKind,
  student: readonly number[],
  teacher: readonly number[],
  { temperature: t }: Rows,
  k: number,
): number {
  const { ids, logProbs, tailLogMass } = topK(teacher, k, t);
  const logs = [...logSoftmax(student, t)];
  const inside = [...ids].map((id) => logs[id] ?? Number.NaN);
  const outside = logs.filter((_, id) => !ids.includes(id));
  const hasTail = outside.length > 0;
  return (
    t ** 2 *
    apply(
      kind,
      [...logProbs, ...(hasTail ? [tailLogMass] : [])],
      [...inside, ...(hasTail ? [logSumExp(outside)] : [])],
    )
  );
}

/** The same of one row, in float64. */
export function binaryOf(
  kind: SoftLossKind,
  student: readonly number[],
  teacher: readonly number[],
  { temperature: t }: Rows,
): number {
  if (kind.name === 'mse') return divergences.mse(teacher, student);
  const yesNo = (logit: number) => [-Math.log1p(Math.exp(-logit)), -Math.log1p(Math.exp(logit))];
  const sum = student.reduce(
    (all, logit, at) => all + apply(kind, yesNo((teacher[at] ?? 0) / t), yesNo(logit / t)),
    0,
  );
  return (t ** 2 * sum) / student.length;
}

function apply(kind: SoftLossKind, teacher: number[], student: number[]): number {
  return kind.name === 'jensen-shannon'
    ? divergences['jensen-shannon'](teacher, student, kind.teacherShare)
    : divergences[kind.name](teacher, student);
}

/** Slopes by differences in float64. */
export function differencesOf(
  lossOf: (row: readonly number[]) => number,
  row: readonly number[],
): number[] {
  const step = 1e-5;
  const moved = (at: number, by: number) =>
    lossOf(row.map((value, index) => (index === at ? value + by : value)));
  return row.map((_, at) => (moved(at, step) - moved(at, -step)) / (2 * step));
}
