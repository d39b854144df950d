import { softLossBuckets } from './bucket-loss.ts';
import {
  type DenseTargets,
  type SampledTargets,
  scatterRows,
  softLossDense,
  softLossSampled,
  softLossTopK,
  type TopKTargets,
} from './distillation-loss.ts';
import { type Distributions, divergenceOf } from './divergences.ts';
import { LOG_ZERO, meanOverRows, SMALLEST_SHARE } from './row-means.ts';
import type { Scalar, Tensor, Tensor2D, Tensorflow } from './runtime.ts';
import type { SoftLossKind } from './soft-loss-kind.ts';
import { squaredErrorLoss } from './value-loss.ts';

/** What a teacher says about a batch, in one of the forms that a cache has. */
export type SoftTargets =
  | ({ readonly type: 'dense' } & DenseTargets)
  | ({ readonly type: 'top-k' } & TopKTargets)
  | ({ readonly type: 'sampled' } & SampledTargets);

/**
 * The soft loss of that name against targets of any form: T^2 times the divergence at T, the weighted mean
 * over rows. Over draws, Jensen-Shannon is that of their shares. Draws have no logits and give most
 * classes nothing: mse and reverse-kl over them are a mistake of the caller.
 */
export function softLoss(
  tf: Tensorflow,
  kind: SoftLossKind,
  studentLogits: Tensor2D,
  targets: SoftTargets,
): Scalar {
  switch (targets.type) {
    case 'dense':
      return ofAllClasses(tf, kind, studentLogits, targets);
    case 'top-k': {
      const isUsual = kind.name === 'forward-kl' && studentLogits.shape[1] <= MANY_CLASSES;
      return isUsual
        ? softLossTopK(tf, studentLogits, targets)
        : softLossBuckets(tf, kind, studentLogits, targets);
    }
    case 'sampled':
      return ofDraws(tf, kind, studentLogits, targets);
    default:
      return targets satisfies never;
  }
}

function ofAllClasses(
  tf: Tensorflow,
  kind: SoftLossKind,
  studentLogits: Tensor2D,
  targets: DenseTargets,
): Scalar {
  if (kind.name === 'forward-kl') return softLossDense(tf, studentLogits, targets);
  const { teacherLogits, temperature, weights } = targets;
  // T^2 ((z - t) / T)^2 is the same at every T.
  if (kind.name === 'mse') {
    return squaredErrorLoss(tf, studentLogits, { targets: teacherLogits, weights });
  }
  const teacher = () => tf.maximum(tf.logSoftmax(tf.div(teacherLogits, temperature)), LOG_ZERO);
  return ofLogProbs(tf, kind, studentLogits, targets, teacher);
}

function ofDraws(
  tf: Tensorflow,
  kind: SoftLossKind,
  studentLogits: Tensor2D,
  targets: SampledTargets,
): Scalar {
  if (kind.name === 'forward-kl') return softLossSampled(tf, studentLogits, targets);
  if (kind.name !== 'jensen-shannon') throw new TypeError(`draws have no ${kind.name}`);
  const { sampleIds, sampleShares } = targets;
  const teacher = () => {
    const shares = scatterRows(tf, sampleShares, sampleIds, studentLogits.shape);
    return tf.log(tf.maximum(shares, SMALLEST_SHARE));
  };
  return ofLogProbs(tf, kind, studentLogits, targets, teacher);
}

/** `teacher` gives log-probabilities [rows, classCount] at T. */
function ofLogProbs(
  tf: Tensorflow,
  kind: SoftLossKind,
  studentLogits: Tensor2D,
  { temperature, weights }: Pick<DenseTargets, 'temperature' | 'weights'>,
  teacher: () => Tensor,
): Scalar {
  return meanOverRows(tf, studentLogits, weights, (logits) => {
    const student = tf.logSoftmax(tf.div<Tensor2D>(logits, temperature));
    const distributions: Distributions = { teacher: teacher(), student };
    const { losses, slopes } = divergenceOf(tf, kind, distributions);
    const pull = tf.mul(tf.exp(student), tf.sum(slopes, 1, true));
    return {
      losses: tf.mul(losses, tf.square(temperature)),
      gradient: tf.mul(tf.sub(slopes, pull), temperature),
    };
  });
}

/** Above so many classes the top-k loss avoids passes over all of them; below, dense kernels are as fast. */
const MANY_CLASSES = 4096;
