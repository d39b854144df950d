import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lbfgs, type Objective } from '#stages/numerics/lbfgs.ts';
import { randomFor } from '#stages/numerics/random.ts';
import {
  fitOf,
  type LabelledFeatures,
  softmaxRegression,
} from '#stages/numerics/softmax-regression.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';

const random = randomFor(1, 'softmax-regression.test');
const [ROWS, WIDTH, CLASSES] = [11, 5, 3];
const rows: LabelledFeatures = {
  features: Float32Array.from({ length: ROWS * WIDTH }, () => random() - 0.5),
  width: WIDTH,
  labels: [
    ...Array.from({ length: ROWS - 1 }, (_, row) => ({ row, classId: row % CLASSES, weight: 1 })),
    { row: ROWS - 1, classId: 0, weight: 0.25 },
    { row: ROWS - 1, classId: 2, weight: 0.75 },
  ],
};

test('the gradient is that of finite differences', () => {
  const objective = softmaxRegression(rows, CLASSES, 0.3);
  const point = Float64Array.from({ length: CLASSES * (WIDTH + 1) }, () => random() - 0.5);
  const gradient = new Float64Array(point.length);
  objective(point, gradient);
  const slopes = point.map((_, at) => {
    const moved = (by: number) => {
      const other = point.slice();
      other[at] = (other[at] ?? 0) + by;
      return objective(other, new Float64Array(point.length));
    };
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  });
  assertAllClose(gradient, slopes, 1e-8);
});

test('L-BFGS ends where the gradient is 0, and from any start at the same place', () => {
  const objective = softmaxRegression(rows, CLASSES, 0.1);
  const options = { maxIterations: 500, gradientTolerance: 1e-9, valueTolerance: 0 };
  const ends = [0, 3].map((scale) => {
    const start = Float64Array.from(
      { length: CLASSES * (WIDTH + 1) },
      () => scale * (random() - 0.5),
    );
    return last(lbfgs(objective, start, options));
  });
  const [a, b] = ends;
  assert.ok(a !== undefined && b !== undefined);
  const gradient = new Float64Array(a.length);
  objective(a, gradient);
  assert.ok(gradient.every((slope) => Math.abs(slope) < 1e-6));
  // A bias may grow by the same for all classes: only what they say is unique.
  assertClose(
    fitOf(a, rows, CLASSES).negativeLogLikelihood,
    fitOf(b, rows, CLASSES).negativeLogLikelihood,
    1e-6,
  );
});

test('L-BFGS finds the lowest point of a long narrow bowl', () => {
  const bowl: Objective = (point, gradient) => {
    let value = 0;
    for (const [at, x] of point.entries()) {
      const curvature = 10 ** (at % 5);
      value += (curvature * (x - at) ** 2) / 2;
      gradient[at] = curvature * (x - at);
    }
    return value;
  };
  const options = { maxIterations: 200, gradientTolerance: 1e-7, valueTolerance: 0 };
  const found = last(lbfgs(bowl, new Float64Array(12), options));
  assertAllClose(found, [...found.keys()], 1e-5);
});

test('classes that can be told apart are told apart, and the fit says so', () => {
  const count = 90;
  const labels = Array.from({ length: count }, (_, row) => ({ row, classId: row % 3, weight: 1 }));
  const features = Float32Array.from({ length: count * 3 }, (_, at) => {
    const isOwn = Math.floor(at / 3) % 3 === at % 3;
    return (isOwn ? 1 : 0) + 0.3 * (random() - 0.5);
  });
  const data = { features, width: 3, labels };
  const options = { maxIterations: 100, gradientTolerance: 1e-6, valueTolerance: 1e-6 };
  const parameters = last(lbfgs(softmaxRegression(data, 3, 0.001), new Float64Array(12), options));
  const { accuracy, negativeLogLikelihood } = fitOf(parameters, data, 3);
  assert.equal(accuracy, 1);
  assert.ok(negativeLogLikelihood < 0.1);
});

function last(steps: Generator<number, Float64Array, void>): Float64Array {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
  }
}
