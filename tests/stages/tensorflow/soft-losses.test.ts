import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { divergences } from '#stages/numerics/soft-losses.ts';
import { logSoftmax } from '#stages/numerics/softmax.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { softLossBuckets } from '#stages/tensorflow/bucket-loss.ts';
import { softLoss } from '#stages/tensorflow/soft-loss.ts';
import { SOFT_LOSSES, type SoftLossKind, softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { type BatchLoss, differentiate } from '#tests/support/student-loss.ts';
import { tf } from '#tests/support/tensorflow.ts';
import {
  assertIs,
  binary,
  binaryOf,
  buckets,
  bucketsOf,
  dense,
  denseOf,
  differencesOf,
  type Rows,
  topKTargets,
} from './soft-loss-oracle.ts';

const kinds: readonly SoftLossKind[] = [
  ...SOFT_LOSSES.map(softLossKind),
  { name: 'jensen-shannon', teacherShare: 0.1 },
];

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
