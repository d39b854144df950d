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

/** AdamW with decoupled decay, after clipping by the global norm. */
export interface AdamWSettings {
  readonly kind: 'adamw';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients of a larger norm are scaled down to it; Infinity leaves them alone. */
  readonly maxGradNorm: number;
}

/**
 * What one training step computes: pure operations on the feeds and on ONE flat weight vector, so that
 * it can run eagerly or be recorded into a graph. It may neither read values back nor use JavaScript
 * randomness: a recording would freeze both.
 */
export interface StepProgram {
  readonly initialWeights: Float32Array;
  /** 1 where weight decay applies, else 0. */
  readonly decayMask: Float32Array;
  /** Sequence lengths; each gets a graph of its own, all in one SavedModel. */
  readonly buckets: readonly number[];
  /** Inputs of a training step; what changes from step to step (temperature, weights, seed) is a feed. */
  feeds(bucket: number): readonly FeedSpec[];
  loss(tf: Tensorflow, weights: Tensor1D, feeds: FeedTensors, bucket: number): StepLoss;
  evaluationFeeds(bucket: number): readonly FeedSpec[];
  /** Such as logits [batch, classCount]. */
  evaluate(tf: Tensorflow, weights: Tensor1D, feeds: FeedTensors, bucket: number): Tensor;
  readonly optimizer: AdamWSettings;
}

/** What a step reports; `gradNorm` is the global norm before clipping. */
export interface StepResult {
  readonly loss: number;
  readonly gradNorm: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** All that a resumed training needs of the optimiser. */
export interface OptimizerState {
  readonly weights: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Steps taken so far. */
  readonly step: number;
}

/** Runs a step program. Both kinds give the same numbers; the graph is the fast one. */
export interface Stepper {
  readonly kind: 'graph' | 'eager';
  /** Steps that ran operation by operation: 0 for a graph. */
  readonly eagerSteps: number;
  step(bucket: number, feeds: Feeds, learningRate: number): StepResult;
  evaluate(bucket: number, feeds: Feeds): Float32Array;
  /** Copies: later steps do not change them. */
  state(): OptimizerState;
  restore(state: OptimizerState): void;
  dispose(): void;
}

/** A program's state before its first step. */
export function initialState(program: StepProgram): OptimizerState {
  const size = program.initialWeights.length;
  return {
    weights: program.initialWeights,
    firstMoment: new Float32Array(size),
    secondMoment: new Float32Array(size),
    step: 0,
  };
}

/** Refuses a sequence length that the program was not made for. */
export function requireBucket({ buckets }: StepProgram, bucket: number): void {
  if (buckets.includes(bucket)) return;
  throw new RangeError(`the step program has no bucket ${bucket}, only ${buckets.join(', ')}`);
}
