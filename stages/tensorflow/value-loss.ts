import { divergenceOf } from './divergences.ts';
import { meanOverRows, type RowLosses } from './row-means.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from './runtime.ts';
import type { SoftLossKind } from './soft-loss-kind.ts';

/** Numbers that a batch shall come near to. */
export interface ValueTargets {
  /** [batch, outputs]: values, or probabilities of a yes. */
  readonly targets: Tensor;
  /** [batch]: 1, or 0 for a row that has none or only fills the batch. */
  readonly weights: Tensor1D;
}

/** Logits of a teacher, each class a yes or no of its own. */
export interface BinaryTargets {
  /** [batch, classCount], raw. */
  readonly teacherLogits: Tensor;
  readonly temperature: Scalar;
  /** [batch]: 1, or 0 for a row that only fills the batch. */
  readonly weights: Tensor1D;
}

/** Mean over the outputs of the squared error; the weighted mean over rows, 0 when all weights are 0. */
export function squaredErrorLoss(
  tf: Tensorflow,
  outputs: Tensor2D,
  { targets, weights }: ValueTargets,
): Scalar {
  return meanOverRows(tf, outputs, weights, (values) => {
    const errors = tf.sub(values, targets);
    return {
      losses: tf.mean(tf.square(errors), 1),
      gradient: tf.mul(errors, 2 / values.shape[1]),
    };
  });
}

/**
 * T^2 times the mean over the classes of KL(sigmoid(t / T) || sigmoid(z / T)), each class against "not
 * this class": Hinton et al. 2015 for two classes, applied one versus all as in Yang et al., "Multi-Label
 * Knowledge Distillation", ICCV 2023. The weighted mean over rows as above.
 */
export function binarySoftLoss(
  tf: Tensorflow,
  studentLogits: Tensor2D,
  { teacherLogits, temperature, weights }: BinaryTargets,
): Scalar {
  return meanOverRows(tf, studentLogits, weights, (logits) => {
    const teacher = tf.div(teacherLogits, temperature);
    const student = tf.div(logits, temperature);
    const target = tf.sigmoid(teacher);
    const kl = tf.sub(crossEntropy(tf, student, target), crossEntropy(tf, teacher, target));
    return {
      losses: tf.mul(tf.mean(kl, 1), tf.square(temperature)),
      gradient: tf.mul(tf.sub(tf.sigmoid(student), target), tf.div(temperature, logits.shape[1])),
    };
  });
}

/**
 * T^2 times the mean over the classes of another divergence of yes and no, each class as above; of mse the
 * squared difference of the logits, which is the same at every T.
 */
export function binaryDivergence(
  tf: Tensorflow,
  kind: SoftLossKind,
  studentLogits: Tensor2D,
  { teacherLogits, temperature, weights }: BinaryTargets,
): Scalar {
  if (kind.name === 'mse') {
    return squaredErrorLoss(tf, studentLogits, { targets: teacherLogits, weights });
  }
  return meanOverRows(tf, studentLogits, weights, (logits) => {
    const student = tf.div(logits, temperature);
    const teacher = yesAndNo(tf, tf.div(teacherLogits, temperature));
    const { losses, slopes } = divergenceOf(tf, kind, { teacher, student: yesAndNo(tf, student) });
    const pull = tf.mul(tf.reshape(tf.sigmoid(student), [-1, 1]), tf.sum(slopes, 1, true));
    const byLogit = tf.sub(tf.slice(slopes, [0, 0], [-1, 1]), pull);
    const classCount = logits.shape[1];
    return {
      losses: tf.mul(tf.mean(tf.reshape(losses, logits.shape), 1), tf.square(temperature)),
      gradient: tf.mul(tf.reshape(byLogit, logits.shape), tf.div(temperature, classCount)),
    };
  });
}

/** What a multi-label student is told by people. */
export interface BinaryGold extends ValueTargets {
  readonly labelSmoothing: number;
  /** [classCount]: how much a yes of each class counts; left out where it counts like a no. */
  readonly yesWeights?: Tensor1D | undefined;
}

/** Mean over the classes of the binary cross-entropy with gold shares; the weighted mean over rows as above. */
export function binaryHardLoss(
  tf: Tensorflow,
  studentLogits: Tensor2D,
  { targets, weights, labelSmoothing, yesWeights }: BinaryGold,
): Scalar {
  return meanOverRows(tf, studentLogits, weights, (logits) => {
    // Half of what is smoothed goes to each of yes and no.
    const target = tf.add(tf.mul(targets, 1 - labelSmoothing), labelSmoothing / 2);
    if (yesWeights !== undefined) return weightedBinary(tf, logits, target, yesWeights);
    return {
      losses: tf.mean(crossEntropy(tf, logits, target), 1),
      gradient: tf.div(tf.sub(tf.sigmoid(logits), target), logits.shape[1]),
    };
  });
}

/** -w p log sigmoid(z) - (1 - p) log(1 - sigmoid(z)), as PyTorch's pos_weight has it. */
function weightedBinary(
  tf: Tensorflow,
  logits: Tensor2D,
  target: Tensor,
  yesWeights: Tensor1D,
): RowLosses {
  const yes = tf.mul(target, yesWeights);
  const no = tf.sub(1, target);
  const probability = tf.sigmoid(logits);
  return {
    losses: tf.mean(
      tf.add(tf.mul(yes, softplus(tf, tf.neg(logits))), tf.mul(no, softplus(tf, logits))),
      1,
    ),
    gradient: tf.div(
      tf.sub(tf.mul(no, probability), tf.mul(yes, tf.sub(1, probability))),
      logits.shape[1],
    ),
  };
}

/** log sigmoid(z) and log(1 - sigmoid(z)). [rows * classCount, 2] */
function yesAndNo(tf: Tensorflow, logits: Tensor): Tensor {
  return tf.neg(
    tf.concat(
      [tf.neg(logits), logits].map((one) => tf.reshape(softplus(tf, one), [-1, 1])),
      1,
    ),
  );
}

/** log(1 + e^z) - p z */
function crossEntropy(tf: Tensorflow, logits: Tensor, target: Tensor): Tensor {
  return tf.sub(softplus(tf, logits), tf.mul(target, logits));
}

/** log(1 + e^z) as max(z, 0) + log(1 + e^-|z|), where nothing overflows. */
function softplus(tf: Tensorflow, logits: Tensor): Tensor {
  return tf.add(tf.relu(logits), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))));
}
