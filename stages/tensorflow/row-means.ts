import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from './runtime.ts';

/** Losses of the rows [batch] and their derivatives by the logits [batch, classCount]. */
export interface RowLosses {
  readonly losses: Tensor;
  readonly gradient: Tensor;
}

/**
 * The weighted mean of row losses, divided by the sum of `totals` where these are others. Derivatives are
 * written out: a third of the operations that automatic differentiation needs, and none of them subtracts
 * nearly equal numbers.
 */
export function meanOverRows(
  tf: Tensorflow,
  studentLogits: Tensor2D,
  weights: Tensor1D,
  rowLosses: (logits: Tensor2D) => RowLosses,
  totals = weights,
): Scalar {
  const mean = tf.customGrad<Scalar>((...inputs) => {
    const [logits, save] = inputs as [Tensor2D, (tensors: Tensor[]) => void];
    const share = sharesOf(tf, weights, totals);
    const { losses, gradient } = rowLosses(logits);
    save([tf.mul(gradient, tf.expandDims(share, 1))]);
    return {
      value: tf.sum(tf.mul(losses, share)),
      gradFunc: (upstream, saved) => saved.map((derivative) => tf.mul(derivative, upstream)),
    };
  });
  return mean(studentLogits);
}

/** What each row counts of a mean over rows [batch]; 0 where nothing counts. */
export function sharesOf(tf: Tensorflow, weights: Tensor1D, totals = weights): Tensor {
  return tf.div(weights, tf.maximum(tf.sum(totals), SMALLEST_TOTAL));
}

/** Its exponential is 0 in float32, and unlike -Infinity it stays 0 when multiplied by that. */
export const LOG_ZERO = -1e4;

/** Stands for -Infinity under a logarithm of sums. */
export const FAR_BELOW = -1e30;

/** Under a logarithm that a share of 0 multiplies. */
export const SMALLEST_SHARE = 1e-30;

/** Total weight below which a batch counts as empty. */
const SMALLEST_TOTAL = 1e-12;
