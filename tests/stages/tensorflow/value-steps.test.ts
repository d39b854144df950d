import test from 'node:test';
import type { ValueTask } from '#datasets/task.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { openClassifier } from '#stages/onnx/classifier.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise, toNamed } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Feeds } from '#stages/tensorflow/step-program.ts';
import {
  type BatchLayout,
  inferenceFeedSpecs,
  trainingFeedSpecs,
} from '#stages/train-student/batches/batch-feeds.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { corpusFile } from '#tests/support/corpus-file.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { tf } from '#tests/support/tensorflow.ts';

const BATCH = 4;
const TOKENS = 6;
const OUTPUTS = 3;
const features = { image: 12, facts: 2 };

const KINDS = ['modernbert', 'bert', 'bag', 'textcnn', 'mlp', 'cnn'] as const;
const TASKS = ['multi-label', 'regression'] as const;

for (const [architecture, task] of KINDS.flatMap((kind) =>
  TASKS.map((task) => [kind, task] as const),
)) {
  test(`${architecture}, ${task}: recorded steps are the eager ones, and the ONNX file is the student`, async (t) => {
    const layout = layoutOf(task, architecture);
    const shape = shapeOf(architecture);
    const specs = architectureOf(architecture).parameters(shape);
    const initialWeights = initialise(specs, 1);
    const settings = { labelSmoothing: 0.1, weightDecay: 0.01, maxGradNorm: 1 };
    const program = studentProgram({
      architecture: architectureOf(architecture),
      shape,
      initialWeights,
      layout,
      buckets: [TOKENS],
      settings,
    });
    const graph = createGraphStepper(tf, program);
    const eager = createEagerStepper(tf, program);
    t.after(() => [graph, eager].forEach((stepper) => stepper.dispose()));
    for (let step = 0; step < 6; step++) {
      const [recorded, direct] = [graph, eager].map((stepper) =>
        stepper.step(TOKENS, trainingBatch(layout, step), 1e-2),
      );
      assertClose(recorded?.loss ?? Number.NaN, direct?.loss ?? 0, 1e-5, `loss of step ${step}`);
    }
    const batch = inferenceBatch(layout, 99);
    const logits = graph.evaluate(TOKENS, batch);
    assertAllClose(logits, eager.evaluate(TOKENS, batch), 1e-4, 'logit');
    const weights = toNamed(graph.state().weights, specs);
    const file = architectureOf(architecture).onnx(shape, weights);
    const path = corpusFile(temporaryFolder(), 'model.onnx', file);
    const shapes = { image: [1, 3, 4], facts: [2] };
    const options = readsTensors(architecture) ? { shapes } : {};
    const classifier = await openClassifier(path, { device: 'cpu', ...options });
    t.after(() => classifier.close());
    const rows = Array.from({ length: BATCH }, (_, row) => ({
      tokenIds: tokensOf(batch, row, architecture),
      typeIds: null,
      ...(readsTensors(architecture) && {
        features: {
          image: floatsOf(batch, 'feature image').subarray(row * 12, (row + 1) * 12),
          facts: floatsOf(batch, 'feature facts').subarray(row * 2, (row + 1) * 2),
        },
      }),
    }));
    assertAllClose(await classifier.logits(rows), logits, 1e-4, 'logit of the ONNX file');
  });
}

type Kind = (typeof KINDS)[number];

function readsText(kind: Kind): boolean {
  return kind !== 'mlp' && kind !== 'cnn';
}

function readsTensors(kind: Kind): boolean {
  return kind !== 'modernbert' && kind !== 'bert';
}

function layoutOf(valueTask: ValueTask, kind: Kind): BatchLayout {
  return {
    batchSize: BATCH,
    padTokenId: 0,
    dropout: true,
    soft: { type: 'dense', width: OUTPUTS },
    goldPerRow: OUTPUTS,
    valueTask,
    ...(readsTensors(kind) && { features }),
  };
}

function shapeOf(architecture: Kind): StudentShape {
  return {
    architecture,
    vocabularySize: readsText(architecture) ? 30 : 0,
    classCount: OUTPUTS,
    maxLength: 8,
    layers: 2,
    hiddenSize: 16,
    heads: 1,
    intermediateSize: 24,
    dropout: 0.1,
    padTokenId: 0,
    clsTokenId: 1,
    sepTokenId: 2,
    ...(architecture === 'textcnn' && { kernelWidths: [1, 3] }),
    ...(architecture === 'cnn' && { channels: 'first' }),
    ...(readsTensors(architecture) && {
      features: [
        { name: 'image', shape: [1, 3, 4] },
        { name: 'facts', shape: [2] },
      ],
    }),
  };
}

function trainingBatch(layout: BatchLayout, index: number): Feeds {
  return batchOf(
    trainingFeedSpecs(layout, TOKENS).map(({ name, shape }) => [name, shape] as const),
    index,
  );
}

function inferenceBatch(layout: BatchLayout, index: number): Feeds {
  return batchOf(
    inferenceFeedSpecs(layout, TOKENS).map(({ name, shape }) => [name, shape] as const),
    index,
  );
}

/** Numbers for every feed of these shapes. */
function batchOf(specs: readonly (readonly [string, readonly number[]])[], index: number): Feeds {
  const random = randomFor(index, 'batch');
  const numbers = (shape: readonly number[]) =>
    Float32Array.from({ length: shape.reduce((all, size) => all * size, 1) }, () => random());
  const own: Feeds = {
    inputIds: Int32Array.from({ length: BATCH * TOKENS }, () => Math.floor(1 + random() * 29)),
    lengths: Int32Array.from({ length: BATCH }, (_, row) => TOKENS - row),
    dropoutSeed: Int32Array.of(index, 7),
    rowWeights: Float32Array.of(1, 1, 1, 0),
    goldRows: Float32Array.of(1, 0, 1, 0),
    temperature: Float32Array.of(2),
    softLossWeight: Float32Array.of(0.9),
    hardLossWeight: Float32Array.of(0.1),
  };
  return Object.fromEntries(specs.map(([name, shape]) => [name, own[name] ?? numbers(shape)]));
}

function tokensOf(batch: Feeds, row: number, architecture: Kind): Int32Array {
  if (!readsText(architecture)) return new Int32Array();
  const length = batch['lengths']?.[row] ?? 0;
  return Int32Array.from(batch['inputIds']?.subarray(row * TOKENS, row * TOKENS + length) ?? []);
}

function floatsOf(batch: Feeds, name: string): Float32Array {
  return Float32Array.from(batch[name] ?? []);
}
