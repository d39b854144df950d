import { adamw } from './adamw.ts';
import { euclideanNorm } from './euclidean-norm.ts';
import { rmsprop } from './rmsprop.ts';
import type { Scalar, Tensor1D, Tensorflow } from './runtime.ts';
import { sgd } from './sgd.ts';
import type { OptimizerSettings } from './step-program.ts';

/** What an optimiser keeps from step to step, flat: one entry a weight. */
export interface OptimizerTensors {
  readonly weights: Tensor1D;
  /** Such as the moments of AdamW, by name. */
  readonly slots: Readonly<Record<string, Tensor1D>>;
}

/** How one optimiser turns a gradient into new weights. */
export interface UpdateRule {
  readonly slots: readonly string[];
  /** What changes from step to step (counted from 1) and is therefore fed: a recorded graph would freeze it. */
  scalars(step: number, learningRate: number): Readonly<Record<string, number>>;
  update(
    tf: Tensorflow,
    state: OptimizerTensors,
    gradient: Tensor1D,
    given: Given,
  ): OptimizerTensors;
}

/** What an update reads beside state and gradient. */
export interface Given {
  /** 1 where weight decay applies, else 0. */
  readonly decayMask: Tensor1D;
  readonly scalar: (name: string) => Scalar;
}

/** Names of the vectors that an optimiser keeps beside the weights. */
export function slotNames(settings: OptimizerSettings): string[] {
  const own = ruleOf(settings).slots;
  return settings.averageDecay === undefined ? [...own] : [...own, AVERAGE];
}

/** The values of the fed scalars in step `step`, counted from 1. */
export function optimizerScalars(
  step: number,
  learningRate: number,
  settings: OptimizerSettings,
): Record<string, number> {
  const { averageDecay } = settings;
  return {
    ...ruleOf(settings).scalars(step, learningRate),
    ...(averageDecay !== undefined && { averageShare: averageShare(step, averageDecay) }),
  };
}

/**
 * One step: the gradient is clipped by its global norm, the rule updates the weights, and their moving
 * average follows where there is one.
 */
export function optimizerStep(
  tf: Tensorflow,
  state: OptimizerTensors,
  gradient: Tensor1D,
  given: Given,
  settings: OptimizerSettings,
): OptimizerTensors & { readonly gradNorm: Scalar } {
  const { gradNorm, clipped } = clippedGradient(tf, [gradient], settings);
  const [whole = gradient] = clipped;
  const next = ruleOf(settings).update(tf, state, whole, given);
  const average = state.slots[AVERAGE];
  if (average === undefined) return { ...next, gradNorm };
  const slots = { ...next.slots, [AVERAGE]: averaged(tf, average, next.weights, given) };
  return { weights: next.weights, slots, gradNorm };
}

/** The parts of a gradient, scaled down where its global norm is above the limit, and that norm. */
export function clippedGradient(
  tf: Tensorflow,
  gradient: readonly Tensor1D[],
  { maxGradNorm }: Pick<OptimizerSettings, 'maxGradNorm'>,
): { readonly gradNorm: Scalar; readonly clipped: readonly Tensor1D[] } {
  const norms = tf.concat(gradient.map((part) => euclideanNorm(tf, part)));
  const gradNorm = tf.reshape(euclideanNorm(tf, norms), []) as Scalar;
  if (maxGradNorm === Number.POSITIVE_INFINITY) return { gradNorm, clipped: gradient };
  const factor = tf.minimum(1, tf.div(maxGradNorm, tf.add(gradNorm, CLIP_EPSILON)));
  return { gradNorm, clipped: gradient.map((part) => tf.mul(part, factor)) };
}

/** The moving average, nearer to the weights. */
export function averaged(
  tf: Tensorflow,
  average: Tensor1D,
  weights: Tensor1D,
  given: Given,
): Tensor1D {
  const step = tf.mul(tf.sub(weights, average), given.scalar('averageShare'));
  return tf.add<Tensor1D>(average, step);
}

function ruleOf(settings: OptimizerSettings): UpdateRule {
  switch (settings.kind) {
    case 'adamw':
      return adamw(settings);
    case 'sgd':
      return sgd(settings);
    case 'rmsprop':
      return rmsprop(settings);
    default:
      return settings satisfies never;
  }
}

/** How far the average moves in a step. It moves faster at first, else it would long be the random start. */
function averageShare(step: number, decay: number): number {
  return 1 - Math.min(decay, (1 + step) / (10 + step));
}

/** The slot of the moving average of the weights. */
export const AVERAGE = 'average';

/** That of torch.nn.utils.clip_grad_norm_. */
const CLIP_EPSILON = 1e-6;
