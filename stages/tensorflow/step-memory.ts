import { lossAndGradient } from './gradient.ts';
import { optimizerScalars, optimizerStep, slotNames } from './optimizer.ts';
import { withReplaced } from './replaced-binding.ts';
import { nativeBackend, type Tensor, type Tensor1D, type Tensorflow } from './runtime.ts';
import type { StepProgram } from './step-program.ts';

/** Bytes of the tensors of one training step that are alive at once, variables and feeds left out. */
export interface StepMemory {
  /** As a graph, which lets go of a tensor after its last use. */
  readonly graph: number;
  /** Operation by operation, as tfjs lets go of tensors. */
  readonly eager: number;
}

/**
 * What a step of `batchSize` rows needs, without one of that size: the step is taken with a few rows and with two
 * more, and each tensor grows by as much with every further two; an even batch may go in halves, so few are even as it is.
 * Undefined where the two steps are not made of the same operations, so that nothing can be said.
 */
export function stepMemory(
  tf: Tensorflow,
  programOf: (batchSize: number) => StepProgram,
  { bucket, batchSize }: { readonly bucket: number; readonly batchSize: number },
): StepMemory | undefined {
  const few = batchSize % 2 === 0 ? 4 : 3;
  const [fewer, more] = [few, few + 2].map((rows) => eventsOf(tf, programOf(rows), bucket)) as [
    Event[],
    Event[],
  ];
  if (!isSameStep(fewer, more)) return undefined;
  const events = fewer.map((event, index): Event => {
    const other = more[index];
    if (event.type === 'free' || other?.type !== 'operation') return event;
    const outputs = event.outputs.map((output, place) => {
      const growth = (other.outputs[place]?.bytes ?? output.bytes) - output.bytes;
      return { ...output, bytes: output.bytes + (growth * (batchSize - few)) / 2 };
    });
    return { ...event, outputs };
  });
  return { graph: graphPeak(events), eager: eagerPeak(events) };
}

/** What happened to native memory, in order. Tensors go by the number of their first appearance. */
type Event =
  | {
      readonly type: 'operation';
      readonly name: string;
      readonly inputs: readonly number[];
      readonly outputs: readonly Output[];
    }
  | { readonly type: 'free'; readonly tensor: number };

interface Output {
  readonly tensor: number;
  readonly bytes: number;
}

function eventsOf(tf: Tensorflow, program: StepProgram, bucket: number): Event[] {
  const backend = nativeBackend(tf);
  const { binding } = backend;
  const events: Event[] = [];
  const numbers = new Map<number, number>();
  const numberOf = (id: number): number => {
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return number;
  };
  const methods: Partial<typeof binding> = {
    executeOp: (name, attributes, inputs, outputCount) => {
      const outputs = binding.executeOp(name, attributes, inputs, outputCount);
      events.push({
        type: 'operation',
        name,
        inputs: inputs.map(numberOf),
        outputs: outputs.map(({ id, shape }) => ({ tensor: numberOf(id), bytes: bytesOf(shape) })),
      });
      return outputs;
    },
    deleteTensor: (id) => {
      binding.deleteTensor(id);
      events.push({ type: 'free', tensor: numberOf(id) });
    },
  };
  tf.tidy(() => {
    const step = stepOf(tf, program, bucket);
    withReplaced(backend, methods, step);
  });
  return events;
}

/** A whole step on zeros, which are valid ids and seeds; its inputs are made before it is called. */
function stepOf(tf: Tensorflow, program: StepProgram, bucket: number): () => void {
  const { optimizer, initialWeights } = program;
  const zeros = () => tf.zeros([initialWeights.length]) as Tensor1D;
  const weights = tf.tensor1d(initialWeights);
  const slots = Object.fromEntries(slotNames(optimizer).map((name) => [name, zeros()]));
  const scalars = Object.entries(optimizerScalars(1, 0, optimizer)).map(
    ([name, value]) => [name, tf.scalar(value)] as const,
  );
  const byName = new Map(scalars);
  const decayMask = zeros();
  const feeds: Record<string, Tensor> = Object.fromEntries(
    program.feeds(bucket).map(({ name, shape, dtype }) => [name, tf.zeros([...shape], dtype)]),
  );
  return () => {
    const { gradient, parts } = lossAndGradient(tf, program, weights, feeds, bucket);
    const scalar = (name: string) => byName.get(name) ?? tf.scalar(0);
    optimizerStep(tf, { weights, slots }, gradient, { decayMask, scalar }, optimizer);
    tf.dispose(parts);
  };
}

function isSameStep(one: readonly Event[], other: readonly Event[]): boolean {
  const shape = (event: Event) =>
    event.type === 'free'
      ? [event.tensor]
      : [event.name, ...event.inputs, ...event.outputs.map(({ tensor }) => tensor)];
  return (
    one.length === other.length &&
    one.every((event, index) => {
      const twin = other[index];
      return twin?.type === event.type && shape(event).join() === shape(twin).join();
    })
  );
}

/** Each tensor lives from the operation that makes it to the last one that reads it. */
function graphPeak(events: readonly Event[]): number {
  const operations = events.filter((event) => event.type === 'operation');
  // Tensors that are another form of one share its memory.
  const memoryOf = new Map<number, number>();
  const ownerOf = (tensor: number): number => memoryOf.get(tensor) ?? tensor;
  const lastUse = new Map<number, number>();
  for (const [index, { name, inputs, outputs }] of operations.entries()) {
    const [first] = inputs;
    for (const { tensor } of outputs) {
      if (SHARING.has(name) && first !== undefined) memoryOf.set(tensor, ownerOf(first));
      lastUse.set(ownerOf(tensor), index);
    }
    for (const tensor of inputs) lastUse.set(ownerOf(tensor), index);
  }
  const bytes = new Map<number, number>();
  const freed = new Map<number, number[]>();
  for (const [tensor, index] of lastUse) {
    freed.set(index, [...(freed.get(index) ?? []), tensor]);
  }
  let [live, peak] = [0, 0];
  for (const [index, { outputs }] of operations.entries()) {
    for (const output of outputs) {
      if (ownerOf(output.tensor) !== output.tensor) continue;
      bytes.set(output.tensor, output.bytes);
      live += output.bytes;
    }
    peak = Math.max(peak, live);
    for (const tensor of freed.get(index) ?? []) live -= bytes.get(tensor) ?? 0;
  }
  return peak;
}

function eagerPeak(events: readonly Event[]): number {
  const bytes = new Map<number, number>();
  let [live, peak] = [0, 0];
  for (const event of events) {
    if (event.type === 'free') {
      live -= bytes.get(event.tensor) ?? 0;
      continue;
    }
    // Reshapes share memory in eager execution too.
    if (SHARING.has(event.name)) continue;
    for (const output of event.outputs) {
      bytes.set(output.tensor, output.bytes);
      live += output.bytes;
    }
    peak = Math.max(peak, live);
  }
  return peak;
}

/** All that a step computes with is float32 or int32. */
function bytesOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 4);
}

/** Operations whose output is their first input in other words. */
const SHARING = new Set(['Reshape', 'Identity', 'ExpandDims', 'Squeeze', 'StopGradient']);
