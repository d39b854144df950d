import test from 'node:test';
import { randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Feeds } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batch-feeds.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { tf } from '#tests/support/tensorflow.ts';

const layout: BatchLayout = {
  batchSize: 4,
  padTokenId: 0,
  dropout: true,
  soft: { type: 'top-k', width: 3 },
  goldPerRow: 1,
};

const cases = [
  ['modernbert', false],
  ['bert', false],
  ['bag', false],
  ['textcnn', false],
  ['modernbert', true],
  ['bert', true],
] as const;

for (const [architecture, perToken] of cases) {
  const kind = perToken ? `${architecture} of words` : architecture;
  test(`${kind}: recorded steps are the eager ones, dropout on, two buckets`, (t) => {
    const program = studentProgram(trainingOf(architecture, perToken));
    const graph = createGraphStepper(tf, program);
    const eager = createEagerStepper(tf, program);
    t.after(() => [graph, eager].forEach((stepper) => stepper.dispose()));
    for (let step = 0; step < 10; step++) {
      const bucket = step % 2 === 0 ? 6 : 8;
      const [recorded, direct] = [graph, eager].map((stepper) =>
        stepper.step(bucket, randomBatch(bucket, step, perToken), 1e-3),
      );
      assertClose(recorded?.loss ?? Number.NaN, direct?.loss ?? 0, 1e-5, `loss of step ${step}`);
    }
    const [recorded, direct] = [graph, eager].map((stepper) =>
      stepper.evaluate(8, randomBatch(8, 99, perToken)),
    );
    assertAllClose(recorded ?? [], direct ?? [], 1e-4, 'logit');
  });
}

function trainingOf(
  name: StudentShape['architecture'],
  perToken: boolean,
): Parameters<typeof studentProgram>[0] {
  const architecture = architectureOf(name);
  const shape: StudentShape = {
    architecture: name,
    vocabularySize: 30,
    classCount: 5,
    maxLength: 8,
    layers: 2,
    hiddenSize: 16,
    heads: 2,
    intermediateSize: 24,
    dropout: 0.1,
    padTokenId: 0,
    clsTokenId: 1,
    sepTokenId: 2,
    perToken,
    ...(name === 'textcnn' && { kernelWidths: [1, 2, 3] }),
  };
  return {
    architecture,
    shape,
    initialWeights: initialise(architecture.parameters(shape), 1),
    layout: { ...layout, perToken },
    buckets: [6, 8],
    settings: { labelSmoothing: 0.1, weightDecay: 0.01, maxGradNorm: 1 },
  };
}

/** Of four rows of logits one has both targets, one a soft one, one again both and one none. */
function randomBatch(bucket: number, index: number, perToken: boolean): Feeds {
  const random = randomFor(index, 'batch');
  const { batchSize } = layout;
  const answers = perToken ? batchSize * bucket : batchSize;
  const everyFourth = (has: readonly number[]) =>
    Float32Array.from({ length: answers }, (_, row) => has[row % 4] ?? 0);
  const values: Feeds = {
    inputIds: Int32Array.from({ length: batchSize * bucket }, () => Math.floor(random() * 30)),
    lengths: Int32Array.from({ length: batchSize }, (_, row) => Math.max(1, bucket - 2 * row)),
    dropoutSeed: Int32Array.of(index, 7),
    rowWeights: everyFourth([1, 1, 1, 0]),
    temperature: Float32Array.of(2),
    softLossWeight: Float32Array.of(0.9),
    hardLossWeight: Float32Array.of(0.1),
    topIds: Int32Array.from({ length: answers * 3 }, (_, i) => i % 3),
    topLogProbs: new Float32Array(answers * 3).fill(Math.log(0.3)),
    tailLogMass: new Float32Array(answers).fill(Math.log(0.1)),
    goldIds: Int32Array.from({ length: answers }, () => Math.floor(random() * 5)),
    goldWeights: everyFourth([1, 0, 1, 0]),
  };
  const names = trainingFeedSpecs({ ...layout, perToken }, bucket).map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, values[name] ?? new Float32Array()]));
}
