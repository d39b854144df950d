import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { divergences } from '#stages/numerics/soft-losses.ts';
import { logSoftmax, logSumExp } from '#stages/numerics/softmax.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { softLossBuckets } from '#stages/tensorflow/bucket-loss.ts';
import { softLoss } from '#stages/tensorflow/soft-loss.ts';
import { SOFT_LOSSES, type SoftLossKind, softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import { binaryDivergence } from '#stages/tensorflow/value-loss.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { type BatchLoss, differentiate } from '#tests/support/student-loss.ts';
import { tf } from '#tests/support/tensorflow.ts';

const kinds: readonly SoftLossKind[] = [
  ...SOFT_LOSSES.map(softLossKind),
  { name: 'jensen-shannon', teacherShare: 0.1 },
];

interface Rows {
  readonly student: number[][];
  readonly teacher: number[][];
  readonly temperature: number;
  readonly weights: readonly number[];
}

const batches = fc
  .record({
    rows: fc.integer({ min: 1, max: 4 }),
    classes: fc.integer({ min: 2, max: 14 }),
    k: fc.integer({ min: 1, max: 6 }),
    temperature: fc.constantFrom(0.5, 1, 2, 4),
    seed: fc.integer(),
  })
  .map(({ rows, classes, k, temperature, seed }) => {
    const random = randomFor(seed, 'batch');
    const logits = () =>
      Array.from({ length: rows }, () => Array.from({ length: classes }, () => 3 * normal(random)));
    const weights = Array.from({ length: rows }, (_, row) => (row > 0 && random() < 0.3 ? 0 : 1));
    const batch: Rows = { student: logits(), teacher: logits(), weights, temperature };
    return { batch, k: Math.min(k, classes) };
  });

for (const kind of kinds) {
  const name = kind.name === 'jensen-shannon' ? `${kind.name} ${kind.teacherShare}` : kind.name;

  test(`property: ${name} over all classes is the oracle's, and its gradient that of differences`, () => {
    fc.assert(
      fc.property(batches, ({ batch }) => {
        assertIs(dense(kind, batch), batch, (row, at) => denseOf(kind, row, at, batch));
      }),
      { numRuns: 20 },
    );
  });

  test(`property: ${name} over the top k and a bucket is the oracle's, and its gradient that of differences`, () => {
    fc.assert(
      fc.property(batches, ({ batch, k }) => {
        assertIs(buckets(kind, batch, k), batch, (row, at) => bucketsOf(kind, row, at, batch, k));
      }),
      { numRuns: 20 },
    );
  });

  test(`property: ${name} of yes and no is the oracle's, and its gradient that of differences`, () => {
    fc.assert(
      fc.property(batches, ({ batch }) => {
        assertIs(binary(kind, batch), batch, (row, at) => binaryOf(kind, row, at, batch));
      }),
      { numRuns: 20 },
    );
  });

  test(`${name} is not below 0, and 0 with no gradient at a student that is its teacher, tail bucket included`, () => {
    fc.assert(
      fc.property(batches, ({ batch, k }) => {
        const same = { ...batch, student: batch.teacher };
        for (const lossOf of [dense, binary, (a: SoftLossKind, b: Rows) => buckets(a, b, k)]) {
          const apart = lossOf(kind, batch);
          // Rounding of float32, where the distributions are nearly equal.
          assert.ok(apart.loss > -1e-6 * batch.temperature ** 2, `${apart.loss}`);
          const equal = lossOf(kind, same);
          assertClose(equal.loss, 0, 2e-6 * batch.temperature ** 2, 'loss');
          for (const slope of equal.gradient.flat()) assertClose(slope, 0, 1e-5, 'gradient');
        }
      }),
      { numRuns: 20 },
    );
  });

  test(`${name} grows with the distance from the teacher`, () => {
    const teacher = [[2, 1, 0, -1, -3]];
    const moved = (by: number) => ({
      teacher,
      temperature: 2,
      weights: [1],
      student: [[2 + by, 1 - by, 0, by, -3]],
    });
    for (const lossOf of [dense, binary, (a: SoftLossKind, b: Rows) => buckets(a, b, 2)]) {
      const losses = [0, 0.1, 0.5, 2].map((by) => lossOf(kind, moved(by)).loss);
      assert.deepEqual(
        losses,
        losses.toSorted((a, b) => a - b),
      );
      assert.ok((losses[1] ?? 0) > 1e-4);
    }
  });

  test(`${name}: a teacher that is certain, and a list that is filled up, leave everything finite`, () => {
    const { loss, gradient } = filledUp(kind);
    const short = buckets(
      kind,
      { student: STUDENT, teacher: TEACHER, temperature: 1, weights: [1] },
      2,
    );
    assertClose(loss, short.loss, 1e-6 * Math.max(1, short.loss));
    assertAllClose(gradient.flat(), short.gradient.flat(), 1e-6);
    const certain = {
      student: STUDENT,
      teacher: [[1e3, 0, -1e3, 0]],
      temperature: 1,
      weights: [1],
    };
    for (const { loss, gradient } of [dense(kind, certain), buckets(kind, certain, 1)]) {
      assert.ok(Number.isFinite(loss) && gradient.flat().every(Number.isFinite));
    }
  });
}

test('property: forward-kl over buckets is the same whichever of the two ways it takes', () => {
  fc.assert(
    fc.property(batches, ({ batch, k }) => {
      const kind = softLossKind('forward-kl');
      const usual = differentiate(batch.student, (logits) =>
        softLoss(tf, kind, logits, { type: 'top-k', ...topKTargets(batch, k) }),
      );
      const lean = buckets(kind, batch, k);
      assertClose(lean.loss, usual.loss, 2e-5);
      assertAllClose(lean.gradient.flat(), usual.gradient.flat(), 1e-5);
    }),
    { numRuns: 20 },
  );
});

test("forward-kl has the lean way at 5,000 classes, and its numbers are the oracle's", () => {
  const random = randomFor(3, 'many');
  const logits = () => [Array.from({ length: 5000 }, () => 2 * normal(random))];
  const batch: Rows = { student: logits(), teacher: logits(), temperature: 2, weights: [1] };
  const { loss } = differentiate(batch.student, (student) =>
    softLoss(tf, softLossKind('forward-kl'), student, { type: 'top-k', ...topKTargets(batch, 64) }),
  );
  const [student = [], teacher = []] = [batch.student[0], batch.teacher[0]];
  assertClose(loss, bucketsOf(softLossKind('forward-kl'), student, teacher, batch, 64), 1e-5);
});

test('jensen-shannon over draws is that of their shares', () => {
  const [ids, shares] = [
    [1, 3, 0],
    [0.75, 0.25, 0],
  ];
  const kind = softLossKind('jensen-shannon');
  const { loss, gradient } = differentiate(STUDENT, (logits) =>
    softLoss(tf, kind, logits, {
      type: 'sampled',
      sampleIds: tf.tensor2d([ids], undefined, 'int32'),
      sampleShares: tf.tensor2d([shares]),
      temperature: tf.scalar(2),
      weights: tf.tensor1d([1]),
    }),
  );
  const logs = [Number.NEGATIVE_INFINITY, Math.log(0.75), Number.NEGATIVE_INFINITY, Math.log(0.25)];
  const oracle = (row: readonly number[]) =>
    4 * divergences['jensen-shannon'](logs, [...logSoftmax(row, 2)]);
  assertClose(loss, oracle(STUDENT[0] ?? []), 1e-6);
  assertAllClose(gradient[0] ?? [], differencesOf(oracle, STUDENT[0] ?? []), 1e-5);
});

test('draws have neither logits nor a probability of every class', () => {
  for (const name of ['mse', 'reverse-kl'] as const) {
    assert.throws(
      () =>
        softLoss(tf, softLossKind(name), tf.tensor2d(STUDENT), {
          type: 'sampled',
          sampleIds: tf.tensor2d([[0]], undefined, 'int32'),
          sampleShares: tf.tensor2d([[1]]),
          temperature: tf.scalar(1),
          weights: tf.tensor1d([1]),
        }),
      new RegExp(`draws have no ${name}`),
    );
  }
});

test('mse pulls up or down as a whole: moving every logit of a row changes a dense loss, not one over a top k', () => {
  const batch: Rows = { student: STUDENT, teacher: TEACHER, temperature: 2, weights: [1] };
  const moved = { ...batch, student: STUDENT.map((row) => row.map((logit) => logit + 3)) };
  const kind = softLossKind('mse');
  assertClose(buckets(kind, moved, 2).loss, buckets(kind, batch, 2).loss, 1e-5);
  assert.ok(Math.abs(dense(kind, moved).loss - dense(kind, batch).loss) > 1);
});

const STUDENT = [[0.5, -1, 2, 0.25]];
const TEACHER = [[2, 1, -1, 0]];

function dense(kind: SoftLossKind, { student, teacher, temperature, weights }: Rows): BatchLoss {
  return differentiate(student, (logits) =>
    softLoss(tf, kind, logits, {
      type: 'dense',
      teacherLogits: tf.tensor2d(teacher),
      temperature: tf.scalar(temperature),
      weights: tf.tensor1d([...weights]),
    }),
  );
}

function buckets(kind: SoftLossKind, batch: Rows, k: number): BatchLoss {
  return differentiate(batch.student, (logits) =>
    softLossBuckets(tf, kind, logits, topKTargets(batch, k)),
  );
}

function binary(kind: SoftLossKind, { student, teacher, temperature, weights }: Rows): BatchLoss {
  return differentiate(student, (logits) =>
    binaryDivergence(tf, kind, logits, {
      teacherLogits: tf.tensor2d(teacher),
      temperature: tf.scalar(temperature),
      weights: tf.tensor1d([...weights]),
    }),
  );
}

function topKTargets({ teacher, temperature, weights }: Rows, k: number) {
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

/** Two classes of a teacher in a list of four places. */
function filledUp(kind: SoftLossKind): BatchLoss {
  const { ids, logProbs, tailLogMass } = topK(TEACHER[0] ?? [], 2, 1);
  const first = ids[0] ?? 0;
  const none = Number.NEGATIVE_INFINITY;
  return differentiate(STUDENT, (logits) =>
    softLossBuckets(tf, kind, logits, {
      topIds: tf.tensor2d([[...ids, first]], undefined, 'int32'),
      teacherLogProbs: tf.tensor2d([[...logProbs, none]]),
      tailLogMass: tf.tensor1d([tailLogMass]),
      temperature: tf.scalar(1),
      weights: tf.tensor1d([1]),
    }),
  );
}

/** Loss of one row, of the student's and the teacher's logits. */
type RowOracle = (student: readonly number[], teacher: readonly number[]) => number;

/** The mean of what the oracle says of the rows, and its slopes by differences in float64. */
function assertIs(
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

function denseOf(
  kind: SoftLossKind,
  student: readonly number[],
  teacher: readonly number[],
  { temperature: t }: Rows,
): number {
  if (kind.name === 'mse') return divergences.mse(teacher, student);
  return t ** 2 * apply(kind, [...logSoftmax(teacher, t)], [...logSoftmax(student, t)]);
}

function bucketsOf(
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

function binaryOf(
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

function differencesOf(
  lossOf: (row: readonly number[]) => number,
  row: readonly number[],
): number[] {
  const step = 1e-5;
  const moved = (at: number, by: number) =>
    lossOf(row.map((value, index) => (index === at ? value + by : value)));
  return row.map((_, at) => (moved(at, step) - moved(at, -step)) / (2 * step));
}
