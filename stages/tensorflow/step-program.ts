import { AVERAGE, slotNames } from './optimizer.ts';
import type { Scalar, Tensor, Tensor1D, Tensorflow } from './runtime.ts';

/** One input of a step. Its shape is fixed, since a recorded graph has no other. */
export interface FeedSpec {
  readonly name: string;
  readonly dtype: 'int32' | 'float32';
  readonly shape: readonly number[];
}

/** The inputs of one step as tensors, by name. */
export type FeedTensors = Readonly<Record<string, Tensor>>;

/** The inputs of one step as values, row-major, by name. */
export type Feeds = Readonly<Record<string, Int32Array | Float32Array>>;

/** What is differentiated, and the named terms of it that are only reported. */
export interface StepLoss {
  readonly loss: Scalar;
  readonly parts: Readonly<Record<string, Scalar>>;
}

/** AdamW with decoupled decay. */
export interface AdamWSettings extends StepLimits {
  readonly kind: 'adamw';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** Gradient descent with momentum; its decay is L2. */
export interface SgdSettings extends StepLimits {
  readonly kind: 'sgd';
  /** 0 keeps no velocity. */
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** Gradients divided by the root of their mean square; its decay is L2. */
export interface RmsPropSettings extends StepLimits {
  readonly kind: 'rmsprop';
  /** Share of the mean square that a step keeps. */
  readonly smoothing: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** What all optimisers do around their update. */
interface StepLimits {
  /** Gradients of a larger global norm are scaled down to it; Infinity leaves them alone. */
  readonly maxGradNorm: number;
  /** Share of its past that a moving average of the weights keeps; that average then answers. */
  readonly averageDecay?: number;
}

export type OptimizerSettings = AdamWSettings | SgdSettings | RmsPropSettings;

/**
 * What one training step computes: pure operations on the feeds and on ONE flat weight vector, so that
 * it can run eagerly or be recorded into a graph. It may neither read values back nor use JavaScript
 * randomness: a recording would freeze both.
 */
export interface StepProgram {
  readonly initialWeights: Float32Array;
  /** 1 where weight decay applies, else 0. */
  readonly decayMask: Float32Array;
  /** Lengths of the parameters, in the order of the weights; a recorded step may keep each for itself. Absent: one. */
  readonly parameterSizes?: readonly number[];
  /** Sequence lengths; each gets a graph of its own, all in one SavedModel. */
  readonly buckets: readonly number[];
  /** Inputs of a training step; what changes from step to step (temperature, weights, seed) is a feed. */
  feeds(bucket: number): readonly FeedSpec[];
  loss(tf: Tensorflow, weights: Tensor1D, feeds: FeedTensors, bucket: number): StepLoss;
  evaluationFeeds(bucket: number): readonly FeedSpec[];
  /** Such as logits [batch, classCount]. */
  evaluate(tf: Tensorflow, weights: Tensor1D, feeds: FeedTensors, bucket: number): Tensor;
  readonly optimizer: OptimizerSettings;
  /** Batches come in parts, each a set of feeds. */
  readonly accumulates?: boolean;
}

/** The loss of a batch or of a part of it. */
export interface PartResult {
  readonly loss: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** What a step reports; `gradNorm` is the global norm of the whole gradient before clipping. */
export interface StepResult extends PartResult {
  readonly gradNorm: number;
}

/** All that a resumed training needs of the optimiser. */
export interface OptimizerState {
  readonly weights: Float32Array;
  /** What the optimiser keeps beside the weights, by name; each as long as these. */
  readonly slots: Readonly<Record<string, Float32Array>>;
  /** Steps taken so far. */
  readonly step: number;
}

/** Runs a step program. Both kinds give the same numbers; the graph is the fast one. */
export interface Stepper {
  readonly kind: 'graph' | 'eager';
  /** Steps that ran operation by operation: 0 for a graph. */
  readonly eagerSteps: number;
  /**
   * Takes the gradient of a part of a batch. The next step adds it to that of its own part, which is the
   * last; of a program that accumulates only.
   */
  accumulate(bucket: number, feeds: Feeds): PartResult;
  step(bucket: number, feeds: Feeds, learningRate: number): StepResult;
  evaluate(bucket: number, feeds: Feeds): Float32Array;
  /** Copies: later steps do not change them. */
  state(): OptimizerState;
  restore(state: OptimizerState): void;
  dispose(): void;
}

/** A program's state before its first step. */
export function initialState({ initialWeights, optimizer }: StepProgram): OptimizerState {
  const slots = slotNames(optimizer).map((name) => [
    name,
    name === AVERAGE ? initialWeights : new Float32Array(initialWeights.length),
  ]);
  return { weights: initialWeights, slots: Object.fromEntries(slots), step: 0 };
}

/** The weights that answer: their moving average where the optimiser keeps one. */
export function answeringWeights({ weights, slots }: OptimizerState): Float32Array {
  return slots[AVERAGE] ?? weights;
}

/** The state with other weights to answer with. */
export function withAnsweringWeights(state: OptimizerState, weights: Float32Array): OptimizerState {
  const averaged = AVERAGE in state.slots && { [AVERAGE]: weights };
  return { ...state, weights, slots: { ...state.slots, ...averaged } };
}

/** Parts of a batch are of a program that was made for them. */
export function requireAccumulating({ accumulates }: StepProgram): void {
  if (accumulates !== true) throw new Error('the step program takes no batches in parts');
}

/** Refuses a sequence length that the program was not made for. */
export function requireBucket({ buckets }: StepProgram, bucket: number): void {
  if (buckets.includes(bucket)) return;
  throw new RangeError(`the step program has no bucket ${bucket}, only ${buckets.join(', ')}`);
}
