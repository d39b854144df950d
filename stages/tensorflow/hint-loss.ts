import { meanOverRows } from './row-means.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from './runtime.ts';
import type { ValueTargets } from './value-loss.ts';

/** 1 - cosine of the angle to the target; the weighted mean over rows, 0 when all weights are 0. */
export function cosineLoss(
  tf: Tensorflow,
  features: Tensor2D,
  { targets, weights }: ValueTargets,
): Scalar {
  return meanOverRows(tf, features, weights, (rows) => {
    const [student, teacher] = [directions(tf, rows), directions(tf, targets)];
    const cosine = tf.sum(tf.mul(student.unit, teacher.unit), 1, true); // [rows, 1]
    const across = tf.sub(tf.mul(cosine, student.unit), teacher.unit);
    return {
      losses: tf.squeeze(tf.sub(1, cosine), [1]),
      gradient: tf.div(across, student.length),
    };
  });
}

/**
 * How differently the rows of a batch are alike: the mean over pairs of rows of the squared difference of
 * their cosines in the student and in the teacher (similarity-preserving distillation, Tung and Mori 2019,
 * with vectors of length 1). The widths need not be equal. Rows of weight 0 are in no pair.
 */
export function relationLoss(
  tf: Tensorflow,
  features: Tensor2D,
  { targets, weights }: ValueTargets,
): Scalar {
  const loss = tf.customGrad<Scalar>((...inputs) => {
    const [rows, save] = inputs as [Tensor2D, (tensors: Tensor[]) => void];
    const [student, teacher] = [directions(tf, rows), directions(tf, targets)];
    const errors = tf.sub(cosines(tf, student.unit), cosines(tf, teacher.unit)); // [rows, rows]
    const weighted = tf.mul(errors, pairShares(tf, weights));
    // Each row stands in a row and in a column of the pairs, and a square doubles.
    const byUnit = tf.mul(tf.matMul(weighted as Tensor2D, student.unit as Tensor2D), 4);
    const along = tf.sum(tf.mul(byUnit, student.unit), 1, true);
    save([tf.div(tf.sub(byUnit, tf.mul(along, student.unit)), student.length)]);
    return {
      value: tf.sum(tf.mul(weighted, errors)),
      gradFunc: (upstream, saved) => saved.map((derivative) => tf.mul(derivative, upstream)),
    };
  });
  return loss(features);
}

function cosines(tf: Tensorflow, unit: Tensor): Tensor {
  return tf.matMul(unit as Tensor2D, unit as Tensor2D, false, true);
}

/** Share of each pair of rows in the mean over pairs. [rows, rows] */
function pairShares(tf: Tensorflow, weights: Tensor1D): Tensor {
  const shares = tf.div(weights, tf.maximum(tf.sum(weights), 1));
  return tf.mul(tf.expandDims(shares, 1), tf.expandDims(shares, 0));
}

/** Vectors of length 1, and how long they were; a vector of nothing stays one. */
function directions(
  tf: Tensorflow,
  rows: Tensor,
): { readonly unit: Tensor; readonly length: Tensor } {
  const length = tf.maximum(tf.sqrt(tf.sum(tf.square(rows), 1, true)), SHORTEST); // [rows, 1]
  return { unit: tf.div(rows, length), length };
}

/** Vectors below have no direction. */
const SHORTEST = 1e-8;
