import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  distillDense,
  distillSampled,
  distillTopK,
  goldLoss,
  type RowLoss,
} from '#stages/numerics/distillation.ts';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { drawClasses } from '#stages/numerics/sampling.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { referenceCases } from '#tests/support/kd-reference.ts';
import {
  type BatchLoss,
  hard,
  softDense,
  softSampled,
  softTopK,
} from '#tests/support/student-loss.ts';

/** Rows for student and teacher, a weight for each row, and the size of the top. */
const batches = fc
  .record({
    rows: fc.integer({ min: 1, max: 5 }),
    classes: fc.integer({ min: 2, max: 30 }),
    k: fc.integer({ min: 1, max: 8 }),
    temperature: fc.constantFrom(0.5, 1, 2, 4),
    seed: fc.integer(),
  })
  .map(({ rows, classes, k, temperature, seed }) => {
    const random = randomFor(seed, 'batch');
    const logits = () =>
      Array.from({ length: rows }, () => Array.from({ length: classes }, () => 3 * normal(random)));
    const weights = Array.from({ length: rows }, () => (random() < 0.3 ? 0 : 1));
    return { student: logits(), teacher: logits(), weights, k: Math.min(k, classes), temperature };
  });

test('property: the dense soft loss and its gradient are those of the float64 oracle', () => {
  fc.assert(
    fc.property(batches, ({ student, teacher, weights, temperature: t }) => {
      const rows = student.map((row, b) => distillDense(row, teacher[b] ?? [], t));
      assertBatch(softDense(student, teacher, t, weights), rows, weights);
    }),
    { numRuns: 40 },
  );
});

test('property: the top-k soft loss and its gradient are those of the float64 oracle', () => {
  fc.assert(
    fc.property(batches, ({ student, teacher, weights, k, temperature: t }) => {
      const rows = student.map((row, b) => distillTopK(row, topK(teacher[b] ?? [], k, t), t));
      assertBatch(softTopK(student, teacher, k, t, weights), rows, weights);
    }),
    { numRuns: 40 },
  );
});

test('property: the sampled soft loss and its gradient are those of the float64 oracle', () => {
  fc.assert(
    fc.property(batches, ({ student, teacher, weights, k, temperature: t }) => {
      const draws = teacher.map((row) => sharesOf(row, t, k));
      const rows = student.map((row, b) => distillSampled(row, draws[b] ?? NO_DRAWS, t));
      assertBatch(softSampled(student, draws, t, weights), rows, weights);
    }),
    { numRuns: 40 },
  );
});

test('the gradient of draws is that of the whole distribution, on average over rows', () => {
  const random = randomFor(9, 'draws');
  const [teacher, student] = [
    [2, 0.5, -1, 1],
    [0, 1, 0.5, -1],
  ];
  const rows = 2000;
  const draws = Array.from({ length: rows }, () => sharesOf(teacher, 2, 25, random));
  const repeated = draws.map(() => student);
  const { gradient } = softSampled(repeated, draws, 2);
  const whole = distillDense(student, teacher, 2).gradient;
  whole.forEach((value, classId) => {
    // The mean over the batch is divided by its rows already; T = 2 times four standard errors of a share.
    const found = gradient.reduce((sum, row) => sum + (row[classId] ?? Number.NaN), 0);
    assertClose(found, value, 2 * 4 * Math.sqrt(0.25 / (rows * 25)));
  });
});

test('property: the hard loss and its gradient are those of the float64 oracle', () => {
  fc.assert(
    fc.property(batches, fc.constantFrom(0, 0.1), ({ student, weights, k }, smoothing) => {
      const gold = student.map((row, b) => (b + k) % row.length);
      const rows = student.map((row, b) => goldLoss(row, gold[b] ?? 0, smoothing));
      assertBatch(hard(student, gold, smoothing, weights), rows, weights);
    }),
    { numRuns: 40 },
  );
});

test("losses and gradients are PyTorch's: kl_div, batchmean, T squared", () => {
  for (const { inputs, params, loss, grad } of referenceCases('kl_fwd_batchmean')) {
    const { student, teacher } = inputs;
    assertSame(softDense(student, teacher, params.T), { loss, gradient: grad.student });
    const classCount = student[0]?.length ?? 0;
    for (const k of [classCount - 1, classCount]) {
      assertSame(softTopK(student, teacher, k, params.T), { loss, gradient: grad.student });
    }
  }
});

test('every gradient is that of finite differences of its own loss', () => {
  const random = randomFor(4, 'differences');
  const rows = () =>
    Array.from({ length: 3 }, () => Array.from({ length: 9 }, () => 2 * normal(random)));
  const [student, teacher, direction] = [rows(), rows(), rows()];
  const losses: ((logits: number[][]) => BatchLoss)[] = [
    (logits) => softDense(logits, teacher, 2),
    (logits) => softTopK(logits, teacher, 4, 2),
    (logits) => hard(logits, [1, 5, 0], 0.1),
  ];
  for (const lossOf of losses) {
    const step = 0.01;
    const moved = (by: number): number =>
      lossOf(student.map((row, b) => row.map((v, c) => v + by * (direction[b]?.[c] ?? 0)))).loss;
    const slope = lossOf(student)
      .gradient.flat()
      .reduce((sum, g, i) => sum + g * (direction.flat()[i] ?? 0), 0);
    assertClose((moved(step) - moved(-step)) / (2 * step), slope, 2e-3);
  }
});

test('a student equal to its teacher has no loss and no gradient, tail bucket included', () => {
  const logits = [[3, 1, -2, 0.5, -1, 2.5]];
  for (const { loss, gradient } of [softDense(logits, logits, 2), softTopK(logits, logits, 2, 2)]) {
    assertClose(loss, 0, 1e-6);
    assertAllClose(gradient.flat(), new Float64Array(6), 1e-6);
  }
});

test('the tail of a sharp student is summed, not what is left of 1', () => {
  const [student, teacher] = [
    [40, 0, 1, 2],
    [1, 0, 0, 0],
  ];
  const oracle = distillTopK(student, topK(teacher, 1, 1), 1);
  const { loss, gradient } = softTopK([student], [teacher], 1, 1);
  assertClose(loss, oracle.loss, 1e-6);
  assertAllClose(gradient.flat(), oracle.gradient, 1e-6);
  assert.ok(loss > 10);
});

test('a teacher that is certain leaves everything finite', () => {
  const { loss, gradient } = softTopK([[0, 0, 0, 0]], [[1e4, 0, -1e4, -1e4]], 2, 1);
  assertClose(loss, Math.log(4), 1e-6);
  assertAllClose(gradient.flat(), [-0.75, 0.25, 0.25, 0.25], 1e-6);
});

test('rows of weight 0 change neither the loss nor the gradient of the others', () => {
  const [student, teacher] = [[[1, 2, 3]], [[3, 1, 0]]];
  const filling = [9, -9, 9];
  const padded = [...student, filling, filling];
  const counted = [1, 0, 0];
  const pairs: [BatchLoss, BatchLoss][] = [
    [softDense(student, teacher, 2), softDense(padded, [...teacher, filling, filling], 2, counted)],
    [
      softTopK(student, teacher, 1, 2),
      softTopK(padded, [...teacher, filling, filling], 1, 2, counted),
    ],
    [hard(student, [1]), hard(padded, [1, -1, 2], 0, counted)],
  ];
  for (const [alone, among] of pairs) {
    assertClose(among.loss, alone.loss, 1e-6);
    assertAllClose(among.gradient.flat(), [...alone.gradient.flat(), 0, 0, 0, 0, 0, 0], 1e-6);
  }
});

test('a batch without gold has no hard loss and no gradient of it', () => {
  const { loss, gradient } = hard(
    [
      [1, 2],
      [0, 5],
    ],
    [0, 0],
    0.1,
    [0, 0],
  );
  assert.equal(loss, 0);
  assertAllClose(gradient.flat(), [0, 0, 0, 0], 0);
});

/** Shares of some draws from a row at T. */
function sharesOf(
  logits: number[],
  temperature: number,
  draws: number,
  random = randomFor(3, 'x'),
) {
  const { ids, counts } = drawClasses(logits, { temperature, draws }, random);
  return { ids: [...ids], shares: Array.from(counts, (count) => count / draws) };
}

const NO_DRAWS = { ids: [], shares: [] };

function assertBatch(
  actual: BatchLoss,
  rows: readonly RowLoss[],
  weights: readonly number[],
): void {
  const total = Math.max(
    1,
    weights.reduce((sum, weight) => sum + weight, 0),
  );
  const loss = rows.reduce((sum, row, b) => sum + (row.loss * (weights[b] ?? 0)) / total, 0);
  const gradient = rows.map((row, b) =>
    Array.from(row.gradient, (value) => (value * (weights[b] ?? 0)) / total),
  );
  assertSame(actual, { loss, gradient });
}

function assertSame(actual: BatchLoss, expected: BatchLoss): void {
  assertClose(actual.loss, expected.loss, 3e-5, 'loss');
  assertAllClose(actual.gradient.flat(), expected.gradient.flat(), 1e-5, 'gradient');
}
