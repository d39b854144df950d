import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { drawClasses } from '#stages/numerics/sampling.ts';
import { logSoftmax } from '#stages/numerics/softmax.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { cosineLoss, relationLoss } from '#stages/tensorflow/hint-loss.ts';
import { type SoftTargets, softLoss } from '#stages/tensorflow/soft-loss.ts';
import type { SoftLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import { squaredErrorLoss } from '#stages/tensorflow/value-loss.ts';
import { assertClose } from '#tests/support/close.ts';
import { differentiate } from '#tests/support/student-loss.ts';
import { tf } from '#tests/support/tensorflow.ts';

interface Row {
  readonly student: number[];
  readonly teacher: number[];
  readonly temperature: number;
  readonly seed: number;
}

/** Also teachers and students that nearly agree, and that are nearly certain. */
const rowsOfLogits = fc
  .record({
    classes: fc.integer({ min: 3, max: 12 }),
    temperature: fc.constantFrom(1, 2, 4),
    apart: fc.constantFrom(0.01, 0.3, 3),
    sharp: fc.constantFrom(0.5, 3, 8),
    seed: fc.integer(),
  })
  .map(({ classes, temperature, apart, sharp, seed }): Row => {
    const random = randomFor(seed, 'row');
    const teacher = Array.from({ length: classes }, () => sharp * normal(random));
    return { teacher, student: teacher.map((t) => t + apart * normal(random)), temperature, seed };
  });

/** Each loss is at least this times T^2 and the square of the total variation (Pinsker's inequality). */
const pinsker: readonly [SoftLossKind, number][] = [
  [{ name: 'forward-kl' }, 2],
  [{ name: 'reverse-kl' }, 2],
  [{ name: 'jensen-shannon', teacherShare: 0.5 }, 2 * 0.5 * 0.5],
  [{ name: 'jensen-shannon', teacherShare: 0.1 }, 2 * 0.1 * 0.9],
];

const forms = { dense, 'top-k': kept, sampled: drawn } as const;

for (const [kind, factor] of pinsker) {
  for (const [form, targetsOf] of Object.entries(forms)) {
    if (form === 'sampled' && kind.name === 'reverse-kl') continue;
    const share = kind.name === 'jensen-shannon' ? ` ${kind.teacherShare}` : '';

    test(`property: ${kind.name}${share}, ${form}: above 0 by Pinsker's bound wherever the two differ`, () => {
      fc.assert(
        fc.property(rowsOfLogits, (row) => {
          const { targets, teacher, buckets } = targetsOf(row);
          const t = row.temperature;
          const { loss } = lossOf(kind, row.student, targets);
          const student = buckets([...logSoftmax(row.student, t)].map(Math.exp));
          const variation =
            student.reduce((sum, q, at) => sum + Math.abs(q - (teacher[at] ?? 0)), 0) / 2;
          assert.ok(loss >= t ** 2 * (factor * variation ** 2 - ROUNDING), `${loss}, ${variation}`);
        }),
        { numRuns: 40 },
      );
    });
  }
}

test('property: draws pull nowhere where the student gives each class its share of them', () => {
  fc.assert(
    fc.property(rowsOfLogits, (row) => {
      const { targets, teacher } = drawn(row);
      const student = teacher.map((share) => row.temperature * Math.log(Math.max(share, 1e-12)));
      for (const kind of [pinsker[0], pinsker[2], pinsker[3]]) {
        const { loss, gradient } = lossOf(kind?.[0] ?? { name: 'mse' }, student, targets);
        assertClose(loss, 0, ROUNDING * row.temperature ** 2, 'loss');
        for (const slope of gradient.flat())
          assertClose(slope, 0, ROUNDING * row.temperature, 'slope');
      }
    }),
    { numRuns: 20 },
  );
});

/** Losses of vectors: the squared error of values and of hints, the angle, and the angles among rows. */
const ofVectors = {
  'squared error': {
    lossOf: squaredErrorLoss,
    least: (a: number[][], b: number[][]) =>
      meanOf(a, b, (x, y) => x.reduce((sum, v, i) => sum + (v - (y[i] ?? 0)) ** 2, 0) / x.length),
    scale: 1,
  },
  cosine: {
    lossOf: cosineLoss,
    least: (a: number[][], b: number[][]) => meanOf(a, b, (x, y) => 1 - cosine(x, y)),
    scale: 3,
  },
  relation: {
    lossOf: relationLoss,
    least: (a: number[][], b: number[][]) =>
      meanOf(a, b, (x, y) => meanOf(a, b, (u, v) => (cosine(x, u) - cosine(y, v)) ** 2)),
    scale: 3,
  },
} as const;

for (const [name, { lossOf: computed, least, scale }] of Object.entries(ofVectors)) {
  test(`property: ${name} is what the vectors differ by, and 0 without a pull where they do not`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 4 }),
        fc.integer({ min: 2, max: 6 }),
        fc.integer(),
        (rows, width, seed) => {
          const random = randomFor(seed, 'vectors');
          const vectors = () =>
            Array.from({ length: rows }, () => Array.from({ length: width }, () => normal(random)));
          const [student, targets] = [vectors(), vectors()];
          const of = (given: number[][]) =>
            differentiate(given, (features) =>
              computed(tf, features, {
                targets: tf.tensor2d(targets),
                weights: tf.ones([rows]).as1D(),
              }),
            );
          const apart = of(student).loss;
          assert.ok(apart >= -ROUNDING);
          assertClose(apart, least(student, targets), 1e-4);
          const equal = of(targets.map((row) => row.map((value) => scale * value)));
          assertClose(equal.loss, 0, 1e-5, 'loss');
          for (const slope of equal.gradient.flat()) assertClose(slope, 0, 1e-4, 'slope');
        },
      ),
      { numRuns: 20 },
    );
  });
}

/** Targets of one row, the probabilities that they stand for, and the student's over the same buckets. */
interface Target {
  readonly targets: SoftTargets;
  readonly teacher: readonly number[];
  readonly buckets: (probs: readonly number[]) => readonly number[];
}

function dense({ teacher, temperature }: Row): Target {
  return {
    targets: { type: 'dense', teacherLogits: tf.tensor2d([teacher]), ...common(temperature) },
    teacher: [...logSoftmax(teacher, temperature)].map(Math.exp),
    buckets: (probs) => probs,
  };
}

function kept({ teacher, temperature }: Row): Target {
  const { ids, logProbs, tailLogMass } = topK(teacher, 2, temperature);
  return {
    targets: {
      type: 'top-k',
      topIds: tf.tensor2d([[...ids]], undefined, 'int32'),
      teacherLogProbs: tf.tensor2d([[...logProbs]]),
      tailLogMass: tf.tensor1d([tailLogMass]),
      ...common(temperature),
    },
    teacher: [...logProbs, tailLogMass].map(Math.exp),
    buckets: (probs) => {
      const inside = [...ids].map((id) => probs[id] ?? Number.NaN);
      const rest = probs.filter((_, id) => !ids.includes(id)).reduce((sum, one) => sum + one, 0);
      return [...inside, rest];
    },
  };
}

function drawn({ teacher, temperature, seed }: Row): Target {
  const draws = 8;
  const { ids, counts } = drawClasses(teacher, { temperature, draws }, randomFor(seed, 'draws'));
  const shares = teacher.map(() => 0);
  for (const [place, id] of ids.entries()) shares[id] = (counts[place] ?? 0) / draws;
  return {
    targets: {
      type: 'sampled',
      sampleIds: tf.tensor2d([[...ids]], undefined, 'int32'),
      sampleShares: tf.tensor2d([[...ids].map((id) => shares[id] ?? 0)]),
      ...common(temperature),
    },
    teacher: shares,
    buckets: (probs) => probs,
  };
}

function common(temperature: number) {
  return { temperature: tf.scalar(temperature), weights: tf.tensor1d([1]) };
}

function lossOf(kind: SoftLossKind, student: number[], targets: SoftTargets) {
  return differentiate([student], (logits) => softLoss(tf, kind, logits, targets));
}

function meanOf(
  a: readonly number[][],
  b: readonly number[][],
  of: (x: number[], y: number[]) => number,
): number {
  return a.reduce((sum, row, at) => sum + of(row, b[at] ?? []), 0) / a.length;
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}

/** Of float32, in a loss at T = 1. */
const ROUNDING = 2e-6;
