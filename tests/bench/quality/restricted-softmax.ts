import type { OwnSoftLoss } from '#stages/tensorflow/own-soft-loss.ts';

/** Soft labels that have kept classes. */
export const forms = ['top-k'];

/**
 * T^2 KL with both softmaxes over the kept classes alone, as some offline distillation does it: a mistake, since
 * nothing holds the other classes down. The quality benchmark says what it costs.
 */
export const softLoss: OwnSoftLoss = (tf, { studentLogits, targets }) => {
  if (targets.type !== 'top-k') throw new Error('reads a top k');
  const { topIds, teacherLogProbs, temperature } = targets;
  const [rows, classCount] = studentLogits.shape;
  const firsts = tf.tensor2d(
    Int32Array.from({ length: rows }, (_, row) => row * classCount),
    [rows, 1],
    'int32',
  );
  const kept = tf.gather(tf.reshape(studentLogits, [-1]), tf.add(topIds, firsts));
  const student = tf.logSoftmax(tf.div(kept, temperature));
  const teacher = tf.logSoftmax(teacherLogProbs);
  const divergence = tf.sum(tf.mul(tf.exp(teacher), tf.sub(teacher, student)), 1);
  return tf.mul(divergence, tf.square(temperature));
};
