import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import type { BatchLayout } from '#stages/train-student/batches/batch-feeds.ts';
import { stepOverBatch } from '#stages/train-student/batches/batch-parts.ts';
import type { Batch } from '#stages/train-student/batches/batches.ts';
import { stepParameters, studentProgram } from '#stages/train-student/student-program.ts';
import type { TransferRow } from '#stages/train-student/transfer-set.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { tf } from '#tests/support/tensorflow.ts';

const shape: StudentShape = {
  architecture: 'modernbert',
  vocabularySize: 30,
  classCount: 5,
  maxLength: 8,
  layers: 1,
  hiddenSize: 16,
  heads: 2,
  intermediateSize: 24,
  dropout: 0,
  padTokenId: 0,
  clsTokenId: 1,
  sepTokenId: 2,
};
const steppers = { graph: createGraphStepper, eager: createEagerStepper };

for (const [kind, classWeights] of [
  ['graph', undefined],
  ['eager', undefined],
  ['graph', Float32Array.of(0.2, 5, 1, 0.5, 3)],
] as const) {
  const weighed = classWeights === undefined ? '' : ', its classes weighed';
  test(`${kind}: a batch in four parts takes the steps of the whole batch, the last one short${weighed}`, () => {
    const [whole, parted] = [1, 4].map((parts) => trainedIn(kind, parts, classWeights));
    assert.ok(whole !== undefined && parted !== undefined);
    for (const [step, result] of whole.results.entries()) {
      const other = parted.results[step];
      assertClose(other?.loss ?? NaN, result.loss, 1e-5, `loss of step ${step}`);
      assertClose(other?.gradNorm ?? NaN, result.gradNorm, 1e-4, `norm of step ${step}`);
      for (const [name, value] of Object.entries(result.parts)) {
        assertClose(other?.parts[name] ?? NaN, value, 1e-5, `${name} of step ${step}`);
      }
    }
    assertAllClose(parted.weights, whole.weights, 1e-4, 'weight');
  });
}

/** Ten steps of SGD, whose weights tell the gradient (AdamW hides its size). */
function trainedIn(
  kind: 'graph' | 'eager',
  accumulate: number,
  classWeights: Float32Array | undefined,
) {
  const architecture = architectureOf('modernbert');
  const layout: BatchLayout = {
    batchSize: 8 / accumulate,
    padTokenId: 0,
    dropout: false,
    soft: { type: 'top-k', width: 3 },
    goldPerRow: 1,
    ...(classWeights && { classWeights }),
    hints: (['mse', 'cosine'] as const).map((loss) => ({ from: 'x', loss, weight: 0.2, width: 2 })),
  };
  const program = studentProgram({
    architecture,
    shape,
    layout,
    initialWeights: initialise(stepParameters({ architecture, shape, layout }), 1),
    buckets: [8],
    settings: {
      labelSmoothing: 0.1,
      weightDecay: 0.01,
      maxGradNorm: 1,
      optimizer: 'sgd',
      accumulate,
    },
    losses: { softLoss: softLossKind('forward-kl'), classWeights },
  });
  const stepper = steppers[kind](tf, program);
  const results = Array.from({ length: 10 }, (_, step) =>
    stepOverBatch(stepper, batchOf(step, step === 9 ? 5 : 8), {
      layout,
      scalars: { temperature: 2, softLossWeight: 0.9, hardLossWeight: 0.4 },
      seed: 1,
      step,
      learningRate: 0.1,
    }),
  );
  const { weights } = stepper.state();
  stepper.dispose();
  return { results, weights };
}

/** Of the first part no row has gold, of the others some; one row has no soft label. */
function batchOf(index: number, count: number): Batch {
  const random = randomFor(index, 'batch');
  const rows = Array.from({ length: count }, (_, row): TransferRow => {
    const tokenIds = Int32Array.from({ length: 1 + (row % 8) }, () => Math.floor(random() * 30));
    const hasGold = row >= 2 && row !== 5;
    return {
      exampleId: String(row),
      tokenIds,
      gold: hasGold ? [{ labelId: Math.floor(random() * 5), weight: 1 }] : [],
      soft:
        row === 3
          ? null
          : {
              type: 'top-k',
              topIds: Int32Array.of(0, 1 + (row % 4), 4 - (row % 4 === 3 ? 1 : 0)),
              topLogProbs: Float32Array.of(0.5, 0.3, 0.1).map(Math.log),
              tailLogMass: Math.log(0.1),
              hints: [0, 1].map((hint) => Float32Array.of(random() - hint, row / 4 - 1)),
            },
    };
  });
  return { bucket: 8, rows };
}

test('a batch that fits is one step with the dropout of its step', () => {
  const seeds: unknown[] = [];
  const stepper = {
    step: (_bucket: number, feeds: Record<string, unknown>) => {
      seeds.push(feeds['dropoutSeed']);
      return { loss: 1, gradNorm: 1, parts: {} };
    },
    accumulate: (_bucket: number, feeds: Record<string, unknown>) => {
      seeds.push(feeds['dropoutSeed']);
      return { loss: 1, parts: {} };
    },
  };
  const layout = { batchSize: 8, padTokenId: 0, dropout: true, soft: null, goldPerRow: 1 };
  const given = {
    scalars: { temperature: 2, softLossWeight: 0, hardLossWeight: 1 },
    seed: 1,
    step: 7,
    learningRate: 0.1,
  };
  const over = (size: number) =>
    stepOverBatch(stepper as never, batchOf(1, 8), {
      ...given,
      layout: { ...layout, batchSize: size },
    });
  over(8);
  over(4);
  assert.equal(seeds.length, 3);
  assert.deepEqual(seeds[1], seeds[0], 'the first part drops what a whole batch drops');
  assert.notDeepEqual(seeds[2], seeds[1], 'the second part drops other values');
});
