import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { layoutOf, type ParameterPlace } from '#stages/students/parameters.ts';
import type { StepProgram } from '#stages/tensorflow/step-program.ts';
import { tf } from '#tests/support/tensorflow.ts';
import {
  TINY_BUCKETS,
  tinyStudentBatch,
  tinyStudents,
  tinyTraining,
} from '#tests/support/tiny-students.ts';

const [BUCKET] = TINY_BUCKETS;

for (const student of tinyStudents) {
  test(`${student.name}: the gradient of every parameter, hints and dropout on, is that of differences`, () => {
    const { program, specs } = tinyTraining(student);
    const at = lossesOf(program, tinyStudentBatch(student, BUCKET, 1));
    const gradient = at.gradient(program.initialWeights);
    for (const place of layoutOf(specs).places)
      assertSlope(at, program.initialWeights, gradient, place);
    at.dispose();
  });
}

/** Along the gradient of this parameter and a random direction together, so that the slope is never about 0. */
function assertSlope(
  { loss }: ReturnType<typeof lossesOf>,
  weights: Float32Array,
  gradient: Float32Array,
  { name, offset, length }: ParameterPlace,
): void {
  const random = randomFor(3, name);
  const own = unit(gradient.slice(offset, offset + length));
  const other = unit(own.map(() => normal(random)));
  const direction = own.map((value, index) => value + (other[index] ?? 0));
  const slope = direction.reduce(
    (sum, value, index) => sum + value * (gradient[offset + index] ?? NaN),
    0,
  );
  const difference = (step: number): number => {
    const moved = (by: number): number => {
      const copy = weights.slice();
      for (const [index, value] of direction.entries()) {
        copy[offset + index] = (copy[offset + index] ?? 0) + by * value;
      }
      return loss(copy);
    };
    return (moved(step) - moved(-step)) / (2 * step);
  };
  const allowed = Math.max(2e-3 * Math.abs(slope), 2e-4);
  const isSlope = (measured: number) => Math.abs(measured - slope) <= allowed;
  // The smaller step where the larger one crosses a kink, of ReLU or of a maximum.
  assert.ok(
    STEPS.some((step) => isSlope(difference(step))),
    `${name}: not ${slope}`,
  );
}

function lossesOf(program: StepProgram, batch: ReturnType<typeof tinyStudentBatch>) {
  const feeds = Object.fromEntries(
    program.feeds(BUCKET).map(({ name, shape, dtype }) => {
      return [name, tf.tensor(batch[name] ?? [], [...shape], dtype)];
    }),
  );
  const of = (weights: ReturnType<typeof tf.tensor1d>) =>
    program.loss(tf, weights, feeds, BUCKET).loss;
  return {
    loss: (weights: Float32Array): number =>
      tf.tidy(() => of(tf.tensor1d(weights)).dataSync<'float32'>()[0] ?? Number.NaN),
    gradient: (weights: Float32Array): Float32Array =>
      tf.tidy(() =>
        tf
          .grad((flat) => of(flat.as1D()))(tf.tensor1d(weights))
          .dataSync<'float32'>()
          .slice(),
      ),
    dispose: () => tf.dispose(feeds),
  };
}

/** Of length 1; nothing stays nothing. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

const STEPS = [4e-3, 1e-3];
