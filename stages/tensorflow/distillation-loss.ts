import { FAR_BELOW, LOG_ZERO, meanOverRows, SMALLEST_SHARE } from './row-means.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from './runtime.ts';

/** What a teacher says about a batch: its best k classes and the rest as one bucket. */
export interface TopKTargets {
  /** int32 [batch, k], different classes a row; the first again, at a log-probability of -Infinity, fills up a list. */
  readonly topIds: Tensor;
  /** [batch, k]: log p_T(i) = z_i / T - LSE_T over all classes. */
  readonly teacherLogProbs: Tensor;
  /** [batch]: log of the teacher's probability outside the k, at T. */
  readonly tailLogMass: Tensor;
  readonly temperature: Scalar;
  /** [batch]: 1, or 0 for a row that only fills the batch. */
  readonly weights: Tensor1D;
}

/** What a teacher says about a batch: every class. */
export interface DenseTargets {
  /** [batch, classCount], raw. */
  readonly teacherLogits: Tensor;
  readonly temperature: Scalar;
  /** [batch]: 1, or 0 for a row that only fills the batch. */
  readonly weights: Tensor1D;
}

/** What a teacher says about a batch: shares of some draws. */
export interface SampledTargets {
  /** int32 [batch, width]; a class may stand more than once. */
  readonly sampleIds: Tensor;
  /** [batch, width]: share of the draws, 0 where the list is filled up; a row adds up to 1. */
  readonly sampleShares: Tensor;
  readonly temperature: Scalar;
  /** [batch]: 1, or 0 for a row that only fills the batch. */
  readonly weights: Tensor1D;
}

/** What people say about a batch. */
export interface GoldTargets {
  /** int32 [batch]; anything where the weight is 0. */
  readonly goldIds: Tensor;
  /** [batch]: 1, or 0 for a row without gold. */
  readonly weights: Tensor1D;
  /** Share of the target that is spread evenly over all classes. */
  readonly labelSmoothing: number;
  /** [classCount]: how much each class counts; left out where all count alike. */
  readonly classWeights?: Tensor1D | undefined;
}

/**
 * T^2 KL(teacher_T || student_T) over the top k and one tail bucket: the weighted mean over rows, so
 * that a missing row of weight 0 counts nowhere. 0 when all weights are 0.
 */
export function softLossTopK(
  tf: Tensorflow,
  studentLogits: Tensor2D,
  targets: TopKTargets,
): Scalar {
  return meanOverRows(tf, studentLogits, targets.weights, (logits) => {
    const { temperature, topIds } = targets;
    const teacher = tf.maximum(targets.teacherLogProbs, LOG_ZERO);
    const student = tf.logSoftmax(tf.div<Tensor2D>(logits, temperature));
    const top = scatterRows(tf, tf.exp(teacher), topIds, logits.shape);
    const topKl = tf.sub(negativeEntropy(tf, teacher), tf.sum(tf.mul(top, student), 1));
    const rest = topIds.shape[1] === logits.shape[1] ? undefined : tailBucket(tf, student, targets);
    return {
      losses: tf.mul(rest ? tf.add(topKl, rest.kl) : topKl, tf.square(temperature)),
      // dKL/dz = (s - target) / T, where the target shares the tail out as the student does
      gradient: tf.mul(tf.sub(tf.exp(student), rest ? tf.add(top, rest.target) : top), temperature),
    };
  });
}

/** T^2 KL(teacher_T || student_T) over all classes, the weighted mean over rows as above. */
export function softLossDense(
  tf: Tensorflow,
  studentLogits: Tensor2D,
  targets: DenseTargets,
): Scalar {
  return meanOverRows(tf, studentLogits, targets.weights, (logits) => {
    const { teacherLogits, temperature } = targets;
    const teacher = tf.maximum(tf.logSoftmax(tf.div(teacherLogits, temperature)), LOG_ZERO);
    const student = tf.logSoftmax(tf.div<Tensor2D>(logits, temperature));
    const probabilities = tf.exp(teacher);
    const kl = tf.sum(tf.mul(probabilities, tf.sub(teacher, student)), 1);
    return {
      losses: tf.mul(kl, tf.square(temperature)),
      gradient: tf.mul(tf.sub(tf.exp(student), probabilities), temperature),
    };
  });
}

/**
 * T^2 KL(draws || student_T): its gradient is that of the whole distribution on average over draws,
 * since the target enters it linearly. The weighted mean over rows as above.
 */
export function softLossSampled(
  tf: Tensorflow,
  studentLogits: Tensor2D,
  targets: SampledTargets,
): Scalar {
  return meanOverRows(tf, studentLogits, targets.weights, (logits) => {
    const { temperature, sampleIds, sampleShares } = targets;
    const student = tf.logSoftmax(tf.div<Tensor2D>(logits, temperature));
    const target = scatterRows(tf, sampleShares, sampleIds, logits.shape);
    const logShares = tf.log(tf.maximum(sampleShares, SMALLEST_SHARE));
    const own = tf.sum(tf.mul(sampleShares, logShares), 1);
    return {
      losses: tf.mul(tf.sub(own, tf.sum(tf.mul(target, student), 1)), tf.square(temperature)),
      gradient: tf.mul(tf.sub(tf.exp(student), target), temperature),
    };
  });
}

/**
 * Cross-entropy with the gold class: the weighted mean over the rows that have one, 0 when none has. With
 * class weights w, -sum w_c target_c log q_c over the sum of the gold classes' weights, as PyTorch has it.
 */
export function hardLoss(tf: Tensorflow, studentLogits: Tensor2D, targets: GoldTargets): Scalar {
  const { classWeights } = targets;
  if (classWeights !== undefined) {
    return weightedHardLoss(tf, studentLogits, { ...targets, classWeights });
  }
  return meanOverRows(tf, studentLogits, targets.weights, (logits) => {
    const classCount = logits.shape[1];
    const { goldIds, labelSmoothing } = targets;
    const even = labelSmoothing / classCount;
    const target = tf.oneHot(goldIds, classCount, 1 - labelSmoothing + even, even, 'float32');
    const student = tf.logSoftmax(logits);
    return {
      losses: tf.neg(tf.sum(tf.mul(target, student), 1)),
      gradient: tf.sub(tf.exp(student), target),
    };
  });
}

function weightedHardLoss(
  tf: Tensorflow,
  studentLogits: Tensor2D,
  {
    goldIds,
    weights,
    labelSmoothing,
    classWeights,
  }: GoldTargets & { readonly classWeights: Tensor1D },
): Scalar {
  // A row without gold may name any number: 0 is a class, and its weight of 0 silences it.
  const known = tf.where(tf.greater(weights, 0), goldIds, tf.zerosLike(goldIds));
  const totals = tf.mul(weights, tf.gather(classWeights, known));
  return meanOverRows(
    tf,
    studentLogits,
    weights,
    (logits) => {
      const classCount = logits.shape[1];
      const even = labelSmoothing / classCount;
      const shares = tf.oneHot(known, classCount, 1 - labelSmoothing + even, even, 'float32');
      const target = tf.mul(shares, classWeights);
      const student = tf.logSoftmax(logits);
      return {
        losses: tf.neg(tf.sum(tf.mul(target, student), 1)),
        gradient: tf.sub(tf.mul(tf.exp(student), tf.sum(target, 1, true)), target),
      };
    },
    totals as Tensor1D,
  );
}

/** The bucket's own term of the KL [batch] and its share in the gradient's target [batch, classCount]. */
function tailBucket(
  tf: Tensorflow,
  student: Tensor2D,
  { topIds, teacherLogProbs, tailLogMass }: TopKTargets,
): { readonly kl: Tensor; readonly target: Tensor } {
  const isTop = tf.greater(scatterRows(tf, tf.onesLike(teacherLogProbs), topIds, student.shape), 0);
  const outside = tf.where(isTop, FAR_BELOW, student);
  // Summed over the classes outside: 1 - sum(top k) would cancel once the student is sharp.
  const studentTail = tf.logSumExp(outside, 1, true); // [batch, 1]
  const teacherTail = tf.maximum(tf.expandDims(tailLogMass, 1), LOG_ZERO); // [batch, 1]
  const difference = tf.sub(teacherTail, studentTail);
  return {
    kl: tf.squeeze(tf.mul(tf.exp(teacherTail), difference), [1]),
    target: tf.exp(tf.add(outside, difference)),
  };
}

/** Row by row, values [batch, k] at the columns `ids`; 0 elsewhere. */
export function scatterRows(
  tf: Tensorflow,
  values: Tensor,
  ids: Tensor,
  shape: [number, number],
): Tensor {
  const [batch, classCount] = shape;
  const firsts = Int32Array.from({ length: batch }, (_, row) => row * classCount);
  const flatIds = tf.add(ids, tf.tensor2d(firsts, [batch, 1], 'int32'));
  const flat = tf.unsortedSegmentSum(
    tf.reshape(values, [-1]),
    tf.reshape(flatIds, [-1]),
    batch * classCount,
  );
  return tf.reshape(flat, shape);
}

function negativeEntropy(tf: Tensorflow, logProbs: Tensor): Tensor {
  return tf.sum(tf.mul(tf.exp(logProbs), logProbs), 1);
}
