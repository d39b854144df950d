import type { TopKTargets } from './distillation-loss.ts';
import { divergenceOf } from './divergences.ts';
import { FAR_BELOW, LOG_ZERO, sharesOf } from './row-means.ts';
import type { Scalar, Tensor, Tensor2D, Tensorflow } from './runtime.ts';
import type { SoftLossKind } from './soft-loss-kind.ts';

/**
 * T^2 times the divergence over the top k and one tail bucket: the weighted mean over rows, 0 when all
 * weights are 0. Of mse the logits are known up to one number a row, the normaliser, which no softmax sees:
 * it compares T log p, of the k classes and of the bucket.
 *
 * Few kernels pass over all classes. With g the slopes by the k + 1
 * log-probabilities b, dD/dz_i = (g_i - b_i sum g) / T; outside the top k it is the bucket's own times
 * exp(z_i / T) / sum over the bucket.
 */
export function softLossBuckets(
  tf: Tensorflow,
  kind: SoftLossKind,
  studentLogits: Tensor2D,
  targets: TopKTargets,
): Scalar {
  const loss = tf.customGrad<Scalar>((...inputs) => {
    const [logits, save] = inputs as [Tensor2D, (tensors: Tensor[]) => void];
    const { temperature, weights } = targets;
    const share = tf.expandDims(sharesOf(tf, weights), 1); // [rows, 1]
    const ids = flatIds(tf, targets.topIds, logits.shape);
    const student = studentBuckets(tf, logits, targets, ids);
    const { losses, slopes } = divergenceOf(tf, kind, {
      teacher: teacherBuckets(tf, targets, student.hasTail),
      student: student.logProbs,
      counted: student.counted,
    });
    const total = tf.sum(slopes, 1, true);
    const byBucket = tf.sub(slopes, tf.mul(tf.exp(student.logProbs), total));
    // A filler names the first class again, and both write the same number.
    const first = tf.slice(byBucket, [0, 0], [logits.shape[0], 1]);
    const written = tf.where(tf.greater(student.counted, 0), byBucket, first);
    const scaled = tf.mul(tf.mul(written, share), temperature); // [rows, buckets]
    save([scaled, student.outside, student.outsideTotal, ids]);
    return {
      value: tf.sum(tf.mul(tf.mul(losses, tf.square(temperature)), tf.squeeze(share, [1]))),
      gradFunc: (upstream, saved) => spread(tf, upstream, saved),
    };
  });
  return loss(studentLogits);
}

/** Derivatives by the buckets as derivatives by all logits. */
function spread(tf: Tensorflow, upstream: Tensor, saved: readonly Tensor[]): Tensor {
  const [byBucket, outside, outsideTotal, ids] = saved as [Tensor, Tensor, Tensor, Tensor];
  const [rows = 0, classCount = 0] = outside.shape;
  const k = ids.size / rows;
  const scaled = tf.mul(byBucket, upstream);
  const top = tf.slice(scaled, [0, 0], [rows, k]);
  const dense =
    k === classCount
      ? outside // exp of what lies far below: 0
      : tf.mul(outside, tf.div(tf.slice(scaled, [0, k], [rows, 1]), outsideTotal));
  const flat = tf.tensorScatterUpdate(tf.reshape(dense, [-1]), ids, tf.reshape(top, [-1]));
  return tf.reshape(flat, [rows, classCount]);
}

/** The student's distribution over the buckets, and what its tail is made of. */
interface StudentBuckets {
  /** [rows, k + 1], or [rows, k] where k is all classes. */
  readonly logProbs: Tensor;
  readonly counted: Tensor;
  readonly hasTail: boolean;
  /** [rows, classCount]: exp(z / T - highest), 0 in the top k. */
  readonly outside: Tensor;
  /** [rows, 1]: its sum. */
  readonly outsideTotal: Tensor;
}

function studentBuckets(
  tf: Tensorflow,
  logits: Tensor2D,
  { topIds, teacherLogProbs, temperature }: TopKTargets,
  ids: Tensor,
): StudentBuckets {
  const [rows, classCount] = logits.shape;
  const k = topIds.shape[1] ?? 0;
  const hasTail = k < classCount;
  const flat = tf.reshape(tf.div(logits, temperature), [-1]);
  const isFiller = tf.less(teacherLogProbs, FAR_BELOW);
  const top = tf.reshape(tf.gather(flat, tf.reshape(ids, [-1])), [rows, k]);
  const counted = tf.cast(tf.logicalNot(isFiller), 'float32');
  const bare = tf.tensorScatterUpdate(flat, ids, tf.fill([rows * k], FAR_BELOW));
  const others = tf.reshape(bare, [rows, classCount]);
  const highest = tf.max(others, 1, true); // [rows, 1]
  // Summed over the classes outside: 1 - sum(top k) would cancel once the student is sharp.
  const outside = hasTail ? tf.exp(tf.sub(others, highest)) : tf.zerosLike(others);
  const outsideTotal = hasTail ? tf.sum(outside, 1, true) : tf.onesLike(highest);
  const known = tf.where(isFiller, FAR_BELOW, top);
  const buckets = hasTail ? tf.concat([known, tf.add(highest, tf.log(outsideTotal))], 1) : known;
  return {
    logProbs: tf.sub(buckets, tf.logSumExp(buckets, 1, true)),
    counted: hasTail ? tf.concat([counted, tf.onesLike(highest)], 1) : counted,
    hasTail,
    outside,
    outsideTotal,
  };
}

function teacherBuckets(
  tf: Tensorflow,
  { teacherLogProbs, tailLogMass }: TopKTargets,
  hasTail: boolean,
): Tensor {
  const logs = hasTail
    ? tf.concat([teacherLogProbs, tf.expandDims(tailLogMass, 1)], 1)
    : teacherLogProbs;
  return tf.maximum(logs, LOG_ZERO);
}

/** Places of the top k in the flat logits. int32 [rows * k, 1] */
function flatIds(tf: Tensorflow, topIds: Tensor, [rows, classCount]: [number, number]): Tensor {
  const firsts = Int32Array.from({ length: rows }, (_, row) => row * classCount);
  return tf.reshape(tf.add(topIds, tf.tensor2d(firsts, [rows, 1], 'int32')), [-1, 1]);
}
