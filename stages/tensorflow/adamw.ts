import type { Scalar, Tensor1D, Tensorflow } from './runtime.ts';
import type { AdamWSettings } from './step-program.ts';

/** What the optimiser keeps from step to step, flat: one entry a weight. */
export interface AdamWTensors {
  readonly weights: Tensor1D;
  readonly firstMoment: Tensor1D;
  readonly secondMoment: Tensor1D;
}

/** What changes from step to step and is therefore fed: a recorded graph would freeze plain numbers. */
export interface AdamWScalars {
  readonly learningRate: Scalar;
  readonly firstCorrection: Scalar;
  readonly secondCorrection: Scalar;
}

/**
 * One step of AdamW (Loshchilov and Hutter, 2019) as in PyTorch: gradients clipped by their global
 * norm, decay taken from the weights themselves and only where `decayMask` is 1.
 */
export function adamwStep(
  tf: Tensorflow,
  state: AdamWTensors,
  gradient: Tensor1D,
  decayMask: Tensor1D,
  scalars: AdamWScalars,
  settings: AdamWSettings,
): AdamWTensors & { readonly gradNorm: Scalar } {
  const gradNorm = tf.sqrt(tf.sum(tf.square(gradient))) as Scalar;
  const clipped = clip(tf, gradient, gradNorm, settings.maxGradNorm);
  // m + (g - m)(1 - b) = b m + (1 - b) g with one multiplication less
  const firstMoment = tf.add(
    state.firstMoment,
    tf.mul(tf.sub(clipped, state.firstMoment), 1 - settings.beta1),
  );
  const secondMoment = tf.add(
    state.secondMoment,
    tf.mul(tf.sub(tf.square(clipped), state.secondMoment), 1 - settings.beta2),
  );
  const scale = tf.add(tf.sqrt(tf.mul(secondMoment, scalars.secondCorrection)), settings.epsilon);
  const update = tf.div(tf.mul(firstMoment, scalars.firstCorrection), scale);
  const decay = tf.mul(tf.mul(decayMask, settings.weightDecay), state.weights);
  const weights = tf.sub(state.weights, tf.mul(scalars.learningRate, tf.add(update, decay)));
  return {
    weights: weights as Tensor1D,
    firstMoment: firstMoment as Tensor1D,
    secondMoment: secondMoment as Tensor1D,
    gradNorm,
  };
}

/** The values of the fed scalars in step `step`, counted from 1. */
export function adamwFeeds(
  step: number,
  learningRate: number,
  settings: AdamWSettings,
): Readonly<Record<keyof AdamWScalars, number>> {
  return {
    learningRate,
    firstCorrection: 1 / (1 - settings.beta1 ** step),
    secondCorrection: 1 / (1 - settings.beta2 ** step),
  };
}

function clip(tf: Tensorflow, gradient: Tensor1D, norm: Scalar, maxNorm: number): Tensor1D {
  if (maxNorm === Number.POSITIVE_INFINITY) return gradient;
  return tf.mul(gradient, tf.minimum(1, tf.div(maxNorm, tf.add(norm, CLIP_EPSILON))));
}

/** That of torch.nn.utils.clip_grad_norm_. */
const CLIP_EPSILON = 1e-6;
