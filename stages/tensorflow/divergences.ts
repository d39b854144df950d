import { LOG_ZERO, SMALLEST_SHARE } from './row-means.ts';
import type { Tensor, Tensorflow } from './runtime.ts';
import type { SoftLossKind } from './soft-loss-kind.ts';

/** How far distributions over the same buckets are apart, at T and without its square. */
export interface Divergence {
  /** [rows] */
  readonly losses: Tensor;
  /** [rows, buckets]: derivatives by the student's log-probabilities, up to a multiple of its probabilities. */
  readonly slopes: Tensor;
}

/** Two distributions a row, as logarithms that are finite. [rows, buckets] each. */
export interface Distributions {
  readonly teacher: Tensor;
  readonly student: Tensor;
  /** 1, or 0 for a bucket that only fills up a row; undefined: all count. */
  readonly counted?: Tensor | undefined;
}

/**
 * The divergence of that name and its slopes. A multiple of the student's probabilities in the slopes is
 * left out: it has no effect on the logits, since probabilities add up to 1.
 */
export function divergenceOf(
  tf: Tensorflow,
  kind: SoftLossKind,
  distributions: Distributions,
): Divergence {
  switch (kind.name) {
    case 'forward-kl':
      return forwardKl(tf, distributions);
    case 'reverse-kl':
      return reverseKl(tf, distributions);
    case 'jensen-shannon':
      return jensenShannon(tf, distributions, kind.teacherShare);
    case 'mse':
      return squaredLogs(tf, distributions);
    default:
      return kind satisfies never;
  }
}

/** sum p (log p - log q) */
function forwardKl(tf: Tensorflow, { teacher, student }: Distributions): Divergence {
  // What only fills up a row has a probability of 0 in the teacher.
  const probs = tf.exp(teacher);
  return {
    losses: tf.sum(tf.mul(probs, tf.sub(teacher, student)), 1),
    slopes: tf.neg(probs),
  };
}

/** sum q (log q - log p) */
function reverseKl(tf: Tensorflow, { teacher, student, counted }: Distributions): Divergence {
  const slopes = tf.mul(only(tf, tf.exp(student), counted), tf.sub(student, teacher));
  return { losses: tf.sum(slopes, 1), slopes };
}

function jensenShannon(
  tf: Tensorflow,
  { teacher, student, counted }: Distributions,
  teacherShare: number,
): Divergence {
  const ofTeacher = tf.mul(tf.exp(teacher), teacherShare);
  const ofStudent = tf.mul(only(tf, tf.exp(student), counted), 1 - teacherShare);
  const mixture = tf.log(tf.maximum(tf.add(ofTeacher, ofStudent), SMALLEST_SHARE));
  const slopes = tf.mul(ofStudent, tf.sub(student, mixture));
  return {
    losses: tf.sum(tf.add(tf.mul(ofTeacher, tf.sub(teacher, mixture)), slopes), 1),
    slopes,
  };
}

/** Mean over the buckets of (log q - log p)^2; one that the teacher gives nothing has no logarithm to come near. */
function squaredLogs(tf: Tensorflow, { teacher, student, counted }: Distributions): Divergence {
  const finite = only(tf, tf.cast(tf.greater(teacher, LOG_ZERO), 'float32'), counted);
  const buckets = tf.sum(finite, 1, true); // [rows, 1]
  const errors = tf.mul(finite, tf.sub(student, teacher));
  return {
    losses: tf.squeeze(tf.div(tf.sum(tf.square(errors), 1, true), buckets), [1]),
    slopes: tf.div(tf.mul(errors, 2), buckets),
  };
}

function only(tf: Tensorflow, values: Tensor, counted: Tensor | undefined): Tensor {
  return counted === undefined ? values : tf.mul(values, counted);
}
