import { type LossAndGradient, lossAndGradient } from './gradient.ts';
import { addAssignments, addFeeds, addPlaceholder, addReport, scalarSpec } from './graph-ends.ts';
import { addUpdate, isOwnUpdate, type WeightPart } from './graph-update.ts';
import { addVariables, readingCall, readsOf } from './graph-variables.ts';
import {
  AVERAGE,
  type Given,
  type OptimizerTensors,
  optimizerScalars,
  slotNames,
} from './optimizer.ts';
import type { Scalar, Tensor1D, Tensorflow } from './runtime.ts';
import type { FeedSpec, StepProgram } from './step-program.ts';
import { type RecordingOptions, StepRecorder } from './step-recorder.ts';

/** A call into the graph: what is fed to which output, and the one output that is fetched. */
export interface GraphCall {
  readonly feeds: readonly FeedSpec[];
  /** The graph outputs that the feeds replace, in their order. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/** A training step; it fetches [loss, gradient norm, ...parts], and of a part of a batch no norm. */
export interface TrainingCall extends GraphCall {
  readonly parts: readonly string[];
}

/** A step program as one graph: all its buckets share the variables. */
export interface StepGraph {
  readonly savedModel: Uint8Array;
  readonly training: ReadonlyMap<number, TrainingCall>;
  /** Of a program that accumulates: parts of a batch but the last. */
  readonly accumulation: ReadonlyMap<number, TrainingCall>;
  readonly evaluation: ReadonlyMap<number, GraphCall>;
  /** Of the weights and of each slot of the optimiser. */
  readonly reading: Readonly<Record<string, GraphCall>>;
  /** Sets every variable; takes a feed for each. */
  readonly restoring: GraphCall;
}

/** Runs the program once per bucket, forwards and backwards, and keeps what it did as a graph. */
export function recordStepGraph(
  tf: Tensorflow,
  program: StepProgram,
  how: RecordingOptions = {},
): StepGraph {
  const recorder = new StepRecorder(tf);
  const training = new Map<number, TrainingCall>();
  const accumulation = new Map<number, TrainingCall>();
  const evaluation = new Map<number, GraphCall>();
  const slots = slotNames(program.optimizer);
  const carried = program.accumulates === true ? [CARRIED] : [];
  const variables = ['weights', ...slots, 'decayMask', ...carried];
  const parts = weightParts(program, how);
  const lengths = parts.map(({ length }) => length);
  const restoring = addVariables(recorder, variables, lengths);
  tf.tidy(() => {
    const state = { ...declareState(tf, recorder, program, { slots, lengths }), parts };
    for (const bucket of program.buckets) {
      training.set(bucket, addTraining(tf, recorder, program, bucket, { ...state, how }));
      if (state.carried !== undefined) {
        accumulation.set(bucket, addAccumulation(tf, recorder, program, bucket, { ...state, how }));
      }
      const weights = state.slots[AVERAGE] ?? state.weights;
      evaluation.set(bucket, addEvaluation(tf, recorder, program, bucket, weights));
    }
  });
  return {
    savedModel: recorder.graph.savedModel(),
    training,
    accumulation,
    evaluation,
    reading: Object.fromEntries(['weights', ...slots].map((name) => [name, readingCall(name)])),
    restoring,
  };
}

/** Variables and scalars that all calls share. */
interface StateTensors extends OptimizerTensors {
  readonly given: Given;
  readonly scalars: readonly FeedSpec[];
  readonly carried?: CarriedTensors;
}

/** The same, and how a training step will be computed. Answers are float32 as those of the exported student. */
interface TrainingState extends StateTensors {
  readonly parts: readonly WeightPart[];
  readonly how: RecordingOptions;
}

/** The gradient of earlier parts of the batch, and 1, or 0 in the first part. */
interface CarriedTensors {
  readonly gradient: Tensor1D;
  readonly share: Scalar;
}

function declareState(
  tf: Tensorflow,
  recorder: StepRecorder,
  { optimizer, initialWeights, decayMask, accumulates }: StepProgram,
  { slots, lengths }: { readonly slots: readonly string[]; readonly lengths: readonly number[] },
): StateTensors {
  const variable = (name: string, tensor: Tensor1D): Tensor1D => {
    const { output, parts } = readsOf(name, lengths);
    recorder.declare(tensor, output, parts);
    return tensor;
  };
  const zeros = () => tf.zeros([initialWeights.length]) as Tensor1D;
  const scalar = (name: string): Scalar =>
    addPlaceholder(tf, recorder, scalarSpec(name), name) as Scalar;
  const names = Object.keys(optimizerScalars(1, 0, optimizer));
  const scalars = new Map(names.map((name) => [name, scalar(name)]));
  return {
    weights: variable('weights', tf.tensor1d(initialWeights)),
    slots: Object.fromEntries(slots.map((name) => [name, variable(name, zeros())])),
    given: {
      decayMask: variable('decayMask', tf.tensor1d(decayMask)),
      scalar: (name) => scalars.get(name) ?? missingScalar(name),
    },
    scalars: names.map(scalarSpec),
    ...(accumulates === true && {
      carried: { gradient: variable(CARRIED, zeros()), share: scalar(CARRIED_SHARE) },
    }),
  };
}

/** A part for each parameter where the update is TensorFlow's own; else, and where gradients are carried, one. */
function weightParts(
  { parameterSizes, decayMask, optimizer, accumulates }: StepProgram,
  how: RecordingOptions,
): readonly WeightPart[] {
  const isOne = accumulates === true || !isOwnUpdate(optimizer, how);
  const lengths = (isOne ? undefined : parameterSizes) ?? [decayMask.length];
  let end = 0;
  return lengths.map((length) => {
    end += length;
    const decaying = decayMask.subarray(end - length, end).reduce((sum, value) => sum + value, 0);
    return { length, decays: decaying === 0 ? 'none' : decaying === length ? 'all' : 'some' };
  });
}

function missingScalar(name: string): never {
  throw new Error(`the optimiser does not feed "${name}"`);
}

function addTraining(
  tf: Tensorflow,
  recorder: StepRecorder,
  program: StepProgram,
  bucket: number,
  state: TrainingState,
): TrainingCall {
  const differentiated = addGradient(tf, recorder, program, bucket, state, `train${bucket}`);
  const { loss, gradient, parts } = differentiated;
  const { optimizer } = program;
  const { gradNorm, updates } = addUpdate(tf, recorder, state, gradient, { ...state, optimizer });
  const reported = [loss, gradNorm, ...Object.values(parts)];
  return addCall(tf, differentiated, {
    scalars: [...state.scalars, ...differentiated.scalars],
    report: addReport(recorder, reported, updates),
  });
}

function addAccumulation(
  tf: Tensorflow,
  recorder: StepRecorder,
  program: StepProgram,
  bucket: number,
  state: TrainingState,
): TrainingCall {
  const differentiated = addGradient(tf, recorder, program, bucket, state, `part${bucket}`);
  const { loss, gradient, parts, scalars } = differentiated;
  const assigned = addAssignments(recorder, { [CARRIED]: gradient });
  const report = addReport(recorder, [loss, ...Object.values(parts)], assigned);
  return addCall(tf, differentiated, { scalars, report });
}

/** Loss and gradient of one part of a batch, with the gradients of the parts before it. */
interface RecordedGradient extends LossAndGradient {
  readonly prefix: string;
  readonly specs: readonly FeedSpec[];
  /** Scalars that it reads beside the feeds. */
  readonly scalars: readonly FeedSpec[];
}

function addGradient(
  tf: Tensorflow,
  recorder: StepRecorder,
  program: StepProgram,
  bucket: number,
  { weights, carried, how }: TrainingState,
  prefix: string,
): RecordedGradient {
  const specs = program.feeds(bucket);
  const tensors = addFeeds(tf, recorder, specs, prefix);
  return recorder.record(() => {
    const terms = lossAndGradient(tf, program, weights, tensors, bucket);
    if (carried === undefined) return { ...terms, prefix, specs, scalars: [] };
    const before = tf.mul(carried.gradient, carried.share);
    const gradient = tf.add<Tensor1D>(before, terms.gradient);
    return { ...terms, gradient, prefix, specs, scalars: [scalarSpec(CARRIED_SHARE)] };
  }, how);
}

function addCall(
  tf: Tensorflow,
  { parts, specs, prefix }: RecordedGradient,
  { scalars, report }: { readonly scalars: readonly FeedSpec[]; readonly report: string },
): TrainingCall {
  tf.dispose(parts);
  return {
    feeds: [...specs, ...scalars],
    inputs: [
      ...specs.map((_, index) => `${prefix}/feed${index}:0`),
      ...scalars.map(({ name }) => `${name}:0`),
    ],
    output: report,
    parts: Object.keys(parts),
  };
}

function addEvaluation(
  tf: Tensorflow,
  recorder: StepRecorder,
  program: StepProgram,
  bucket: number,
  weights: Tensor1D,
): GraphCall {
  const prefix = `evaluate${bucket}`;
  const feeds = program.evaluationFeeds(bucket);
  const tensors = addFeeds(tf, recorder, feeds, prefix);
  const result = recorder.record(() => program.evaluate(tf, weights, tensors, bucket));
  const inputs = feeds.map((_, index) => `${prefix}/feed${index}:0`);
  return { feeds, inputs, output: recorder.outputOf(result) };
}

/** The gradient of earlier parts of a batch: a variable, and the feed that says whether it counts. */
const CARRIED = 'carried';
export const CARRIED_SHARE = 'carriedShare';
