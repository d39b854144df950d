import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValueTask } from '#datasets/task.ts';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { OwnSoftLoss } from '#stages/tensorflow/own-soft-loss.ts';
import { SOFT_LOSSES, softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import type { Feeds, StepProgram } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batches/batch-feeds.ts';
import type { StepLosses } from '#stages/train-student/losses/step-loss.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';
import { assertClose } from '#tests/support/close.ts';
import { randomBatch } from '#tests/support/random-batch.ts';
import { tf } from '#tests/support/tensorflow.ts';

const CLASSES = 5;
const BUCKET = 6;
const BATCH = 4;

interface Kind {
  readonly what: string;
  readonly form: 'dense' | 'top-k' | 'sampled';
  readonly valueTask?: ValueTask;
  readonly losses: Partial<StepLosses>;
}

const squared: OwnSoftLoss = (on, { studentLogits, targets }) => {
  if (targets.type !== 'dense') throw new Error('dense only');
  return on.sum(on.square(on.sub(studentLogits, targets.teacherLogits)), 1);
};
const classWeights = Float32Array.of(1, 2, 0.5, 1, 3);
const drawn = ['forward-kl', 'jensen-shannon'] as const;

const kinds: readonly Kind[] = [
  ...SOFT_LOSSES.flatMap((name): Kind[] => [
    { what: name, form: 'dense', losses: { softLoss: softLossKind(name), classWeights } },
    { what: name, form: 'top-k', losses: { softLoss: softLossKind(name) } },
    {
      what: `${name} of several labels`,
      form: 'dense',
      valueTask: 'multi-label',
      losses: { softLoss: softLossKind(name), classWeights },
    },
  ]),
  ...drawn.map(
    (name): Kind => ({ what: name, form: 'sampled', losses: { softLoss: softLossKind(name) } }),
  ),
  { what: 'a loss of the user', form: 'dense', losses: { softLoss: squared } },
  {
    what: 'a loss of the user on numbers',
    form: 'dense',
    valueTask: 'regression',
    losses: { softLoss: squared },
  },
];

for (const kind of kinds) {
  test(`${kind.what}, ${kind.form}: steps are the eager ones with dropout on, and what is printed is what is differentiated`, (t) => {
    const { program, layout } = programOf(kind);
    const graph = createGraphStepper(tf, program);
    const eager = createEagerStepper(tf, program);
    t.after(() => [graph, eager].forEach((stepper) => stepper.dispose()));
    const specs = trainingFeedSpecs(layout, BUCKET);
    for (let step = 0; step < 4; step++) {
      const batch = randomBatch(specs, { index: step, classCount: CLASSES });
      const recorded = graph.step(BUCKET, batch, 1e-2);
      assertClose(
        recorded.loss,
        eager.step(BUCKET, batch, 1e-2).loss,
        1e-5,
        `loss of step ${step}`,
      );
      const { softLoss = 0, hardLoss = 0 } = recorded.parts;
      assertClose(recorded.loss, 0.9 * softLoss + 0.1 * hardLoss, 1e-6, 'sum of the parts');
      assert.ok(softLoss > 0 && hardLoss > 0);
    }
    assertSlope(program, randomBatch(specs, { index: 9, classCount: CLASSES }));
  });
}

/** The gradient along its own direction and a random one together is what the reported loss does there. */
function assertSlope(program: StepProgram, batch: Feeds): void {
  const feeds = Object.fromEntries(
    program.feeds(BUCKET).map(({ name, shape, dtype }) => {
      return [name, tf.tensor(batch[name] ?? [], [...shape], dtype)];
    }),
  );
  const lossAt = (weights: Float32Array): number =>
    tf.tidy(() => {
      const { loss } = program.loss(tf, tf.tensor1d(weights), feeds, BUCKET);
      return loss.dataSync<'float32'>()[0] ?? Number.NaN;
    });
  const gradient = tf.tidy(() =>
    tf
      .grad((weights) => program.loss(tf, weights.as1D(), feeds, BUCKET).loss)(
        tf.tensor1d(program.initialWeights),
      )
      .dataSync<'float32'>()
      .slice(),
  );
  const random = randomFor(2, 'direction');
  const [own, other] = [unit(gradient), unit(gradient.map(() => normal(random)))];
  const direction = own.map((value, at) => value + (other[at] ?? 0));
  const slope = gradient.reduce((sum, value, at) => sum + value * (direction[at] ?? 0), 0);
  const step = 0.004; // small: the student has kinks (ReLU)
  const moved = (by: number) =>
    lossAt(program.initialWeights.map((weight, at) => weight + by * (direction[at] ?? 0)));
  const difference = (moved(step) - moved(-step)) / (2 * step);
  tf.dispose(feeds);
  assertClose(difference / slope, 1, 1e-2, 'slope');
}

/** Of length 1. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function programOf({ form, valueTask, losses }: Kind): {
  program: StepProgram;
  layout: BatchLayout;
} {
  const architecture = architectureOf('bag');
  const shape: StudentShape = {
    architecture: 'bag',
    vocabularySize: 30,
    classCount: CLASSES,
    maxLength: 8,
    layers: 1,
    hiddenSize: 16,
    heads: 1,
    intermediateSize: 24,
    dropout: 0.1,
    padTokenId: 0,
    clsTokenId: 1,
    sepTokenId: 2,
  };
  const layout: BatchLayout = {
    batchSize: BATCH,
    padTokenId: 0,
    dropout: true,
    soft: { type: form, width: form === 'dense' ? CLASSES : 3 },
    goldPerRow: valueTask === undefined ? 1 : CLASSES,
    ...(valueTask && { valueTask }),
  };
  const program = studentProgram({
    architecture,
    shape,
    initialWeights: initialise(architecture.parameters(shape), 1),
    layout,
    buckets: [BUCKET],
    settings: { labelSmoothing: 0.1, weightDecay: 0.01, maxGradNorm: 1 },
    losses,
  });
  return { program, layout };
}
