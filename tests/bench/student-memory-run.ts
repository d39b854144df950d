// Takes steps of one student and prints what it said of its memory and what it took, in bytes.
// Usage: node --import ./cache/loader/register.mjs tests/bench/student-memory-run.ts '{"shape": ..., "batchSize": 32, "length": 64}'
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import { trainingFeedSpecs } from '#stages/train-student/batches/batch-feeds.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';
import { type TrainingMemory, trainingMemory } from '#stages/train-student/training-memory.ts';

const given = z
  .object({ shape: z.record(z.string(), z.unknown()), batchSize: z.int(), length: z.int() })
  .parse(JSON.parse(process.argv[2] ?? '{}'));
const { shape, batchSize, length } = { ...given, shape: given.shape as unknown as StudentShape };
const { tf } = loadTensorflow({ device: 'cpu' });
// What TensorFlow takes for itself shows with the first graph, so a tiny one goes first.
run({
  shape: { ...shape, vocabularySize: 8, hiddenSize: 8 * shape.heads, layers: 1 },
  batchSize: 2,
  length: 8,
});
const before = residentBytes();
const { variables, step = Number.NaN } = run({ shape, batchSize, length });
const peakBytes = process.resourceUsage().maxRSS * 1024 - before;
console.log(JSON.stringify({ statedBytes: variables + step, peakBytes }));

/** Five steps of a student on ones; returns what was stated before them. */
function run({ shape, batchSize, length }: Given): TrainingMemory {
  const architecture = architectureOf(shape.architecture);
  const initialWeights = initialise(architecture.parameters(shape), 1);
  const layout = {
    batchSize,
    padTokenId: 0,
    dropout: shape.dropout > 0,
    soft: { type: 'dense', width: shape.classCount },
    goldPerRow: 1,
  } as const;
  const programOf = (rows: number) =>
    studentProgram({
      architecture,
      shape,
      initialWeights,
      layout: { ...layout, batchSize: rows },
      buckets: [length],
      settings: { labelSmoothing: 0, weightDecay: 0.01, maxGradNorm: 1 },
    });
  const program = programOf(batchSize);
  const setup = { architecture, shape, layout, buckets: [length], program, programOf };
  const memory = trainingMemory(tf, setup, 'graph');
  const stepper = createGraphStepper(tf, program);
  const feeds = Object.fromEntries(
    trainingFeedSpecs(layout, length).map(({ name, shape: of, dtype }) => {
      const size = of.reduce((all, one) => all * one, 1);
      const values = dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
      return [name, values.fill(name === 'lengths' ? length : 1)];
    }),
  );
  for (let count = 0; count < 5; count++) stepper.step(length, feeds, 1e-3);
  stepper.dispose();
  return memory;
}

function residentBytes(): number {
  const [, kilobytes = 'NaN'] =
    /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kilobytes);
}

interface Given {
  readonly shape: StudentShape;
  readonly batchSize: number;
  readonly length: number;
}
