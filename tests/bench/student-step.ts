// Milliseconds of one training step: the recorded graph, the eager reference and, where python3 has
// it, PyTorch. Usage: node --import ./cache/loader/register.mjs tests/bench/student-step.ts [steps]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import type { Feeds, Stepper } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batch-feeds.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';

interface Timing {
  readonly what: string;
  readonly setUpMs: number;
  readonly medianMs: number;
  readonly minMs: number;
  readonly loss: number;
}

const WARM_UP = 5;
const shape: StudentShape = {
  architecture: 'modernbert',
  vocabularySize: 2400,
  classCount: 77,
  maxLength: 32,
  layers: 2,
  hiddenSize: 128,
  heads: 2,
  intermediateSize: 256,
  dropout: 0.1,
  padTokenId: 0,
  clsTokenId: 1,
  sepTokenId: 2,
};
const layout: BatchLayout = {
  batchSize: 32,
  padTokenId: 0,
  dropout: true,
  soft: { type: 'top-k', width: 10 },
  goldPerRow: 1,
};

main();

function main(): void {
  const steps = Number(process.argv[2] ?? 50);
  const { tf, version, device } = loadTensorflow({ device: 'auto' });
  const architecture = architectureOf(shape.architecture);
  const initialWeights = initialise(architecture.parameters(shape), 1);
  const program = studentProgram({
    architecture,
    shape,
    initialWeights,
    layout,
    buckets: [shape.maxLength],
    settings: { labelSmoothing: 0, weightDecay: 0.01, maxGradNorm: 1 },
  });
  const timings = [
    time(`graph (TensorFlow ${version}, ${device})`, () => createGraphStepper(tf, program), steps),
    time(`eager (TensorFlow ${version}, ${device})`, () => createEagerStepper(tf, program), steps),
  ];
  const torch = torchTiming(steps);
  if (typeof torch === 'string') console.log(`PyTorch left out: ${torch}`);
  else timings.push(torch);
  const { layers, hiddenSize, vocabularySize, maxLength } = shape;
  console.log(
    `${shape.architecture} ${layers}x${hiddenSize}, ${initialWeights.length} weights, vocabulary ` +
      `${vocabularySize}, batch ${layout.batchSize}, length ${maxLength}, ${steps} steps`,
  );
  console.table(
    Object.fromEntries(timings.map(({ what, ...numbers }) => [what, roundAll(numbers)])),
  );
}

function time(what: string, create: () => Stepper, steps: number): Timing {
  const before = performance.now();
  const stepper = create();
  const setUpMs = performance.now() - before;
  let loss = Number.NaN;
  const step = (index: number): number => {
    const feeds = randomBatch(index);
    const started = performance.now();
    loss = stepper.step(shape.maxLength, feeds, 1e-3).loss;
    return performance.now() - started;
  };
  for (let index = 0; index < WARM_UP; index++) step(index);
  const durations = Array.from({ length: steps }, (_, index) => step(WARM_UP + index));
  stepper.dispose();
  return { what, setUpMs, medianMs: median(durations), minMs: Math.min(...durations), loss };
}

/** Full rows: no padding, so that every implementation does the same work. */
function randomBatch(index: number): Feeds {
  const random = randomFor(index, 'batch');
  const below = (count: number, limit: number): Int32Array =>
    Int32Array.from({ length: count }, () => Math.floor(random() * limit));
  const { batchSize } = layout;
  const width = layout.soft?.width ?? 0;
  const feeds: Record<string, Int32Array | Float32Array> = {
    inputIds: below(batchSize * shape.maxLength, shape.vocabularySize),
    lengths: new Int32Array(batchSize).fill(shape.maxLength),
    dropoutSeed: Int32Array.of(1, index),
    rowWeights: new Float32Array(batchSize).fill(1),
    temperature: Float32Array.of(2),
    softLossWeight: Float32Array.of(0.9),
    hardLossWeight: Float32Array.of(0.1),
    topIds: Int32Array.from({ length: batchSize * width }, (_, i) => (7 * i) % shape.classCount),
    topLogProbs: new Float32Array(batchSize * width).fill(-Math.log(width + 1)),
    tailLogMass: new Float32Array(batchSize).fill(-Math.log(width + 1)),
    goldIds: below(batchSize, shape.classCount),
    goldWeights: new Float32Array(batchSize).fill(1),
  };
  const names = trainingFeedSpecs(layout, shape.maxLength).map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, feeds[name] ?? new Float32Array()]));
}

/** The timing, or why there is none. */
function torchTiming(steps: number): Timing | string {
  const script = join(import.meta.dirname, 'student_step_torch.py');
  const sizes = JSON.stringify({
    ...shape,
    batchSize: layout.batchSize,
    topK: 10,
    steps,
    warmUp: WARM_UP,
  });
  const { status, stdout, stderr } = spawnSync('python3', [script, sizes], { encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout) as Timing;
  return stderr?.trim().split('\n').at(-1) ?? 'python3 does not start';
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function roundAll(numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, Number(value.toFixed(2))]),
  );
}
