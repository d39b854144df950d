import { slotNames } from '#stages/tensorflow/optimizer.ts';
import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import { stepMemory } from '#stages/tensorflow/step-memory.ts';
import type { StudentSetup } from './student-setup.ts';

/** Bytes that a training takes beside what TensorFlow and Node.js take anyway. */
export interface TrainingMemory {
  readonly parameters: number;
  /** Weights, what the optimiser keeps, the mask of decay, and the copies of a checkpoint, of the best weights and of files. */
  readonly variables: number;
  /** What one step of the longest batch has alive at once; undefined where that cannot be told. */
  readonly step: number | undefined;
}

/** What the training of this student will take, found with steps of few rows. */
export function trainingMemory(
  tf: Tensorflow,
  {
    program,
    programOf,
    layout,
    buckets,
  }: Pick<StudentSetup, 'program' | 'programOf' | 'layout' | 'buckets'>,
  executor: 'graph' | 'eager',
): TrainingMemory {
  const parameters = program.initialWeights.length;
  const slots = slotNames(program.optimizer).length;
  const vectors = 2 + slots + (program.accumulates === true ? 1 : 0);
  const checkpoint = 1 + slots;
  const step = stepMemory(tf, programOf, {
    bucket: buckets.at(-1) ?? 0,
    batchSize: layout.batchSize,
  });
  return {
    parameters,
    // In the session; in JavaScript the start, the best so far, a checkpoint that is written, and at the end the files.
    variables: BYTES * parameters * (vectors + 2 + checkpoint + 1 + FILES),
    // A graph is recorded by one eager step of each length, before the session takes over.
    step: step && SLACK * (executor === 'eager' ? step.eager : Math.max(step.graph, step.eager)),
  };
}

/** `0.66 M parameters (2.6 MB); training takes about 110 MB: 13 MB of weights and optimiser, 97 MB a step of 32 rows` */
export function describeMemory(
  { parameters, variables, step }: TrainingMemory,
  { layout: { batchSize }, buckets, shape }: Pick<StudentSetup, 'layout' | 'buckets' | 'shape'>,
): string {
  const size = `${(parameters / 1e6).toFixed(2)} M parameters (${megabytes(BYTES * parameters)})`;
  if (step === undefined) {
    return `${size}; weights and optimiser take ${megabytes(variables)}, a step cannot be told`;
  }
  const rows = shape.vocabularySize === 0 ? 'rows' : `rows of ${buckets.at(-1)} tokens`;
  return `${size}; training takes about ${megabytes(variables + step)} of memory: ${megabytes(variables)} for weights and optimiser, ${megabytes(step)} for a step of ${batchSize} ${rows}`;
}

function megabytes(bytes: number): string {
  const count = bytes / 1e6;
  return `${count < 10 ? count.toFixed(1) : Math.round(count).toLocaleString('en-US')} MB`;
}

/** The allocator keeps some of what was freed, and operations that run side by side hold more at once. */
const SLACK = 1.25;
/** Copies of the weights that safetensors and ONNX take, each in the order of its file and as its bytes. */
const FILES = 4;
/** Of a float32. */
const BYTES = 4;
