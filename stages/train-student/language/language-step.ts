import type { Tensor, Tensor1D, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { FeedSpec } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, inferenceFeedSpecs } from '#stages/train-student/batches/batch-feeds.ts';

/** Numbers that an evaluation gives of each answer, before the logits of the probed classes. */
export const SCORE_WIDTH = 3;

/** Inputs of an evaluation of a language model for one sequence length: what is asked, and what is right there. */
export function languageFeedSpecs(
  layout: BatchLayout & { readonly answersPerBatch: ReadonlyMap<number, number> },
  bucket: number,
): FeedSpec[] {
  const answers = layout.answersPerBatch.get(bucket) ?? 0;
  return [
    ...inferenceFeedSpecs(layout, bucket),
    { name: 'answerAt', dtype: 'int32', shape: [answers] },
    { name: 'goldIds', dtype: 'int32', shape: [answers] },
  ];
}

/** Values of what is asked where only the time of an evaluation counts; none of a student that is no language model. */
export function firstTokenAsked(
  { answersPerBatch }: BatchLayout,
  bucket: number,
): Readonly<Record<string, Int32Array>> {
  if (answersPerBatch === undefined) return {};
  const answers = answersPerBatch.get(bucket) ?? 0;
  return { answerAt: new Int32Array(answers), goldIds: new Int32Array(answers) };
}

/**
 * Of each row of logits [answers, classes]: the best class, its log-probability, that of the gold class, and the
 * logits of `probedIds`. [answers, SCORE_WIDTH + probedIds.length]; the logits themselves never leave TensorFlow,
 * as a validation split of a vocabulary has gigabytes of them.
 */
export function tokenScores(
  tf: Tensorflow,
  logits: Tensor2D,
  goldIds: Tensor,
  probedIds: Int32Array,
): Tensor2D {
  const [answers, classCount] = logits.shape;
  const best = tf.argMax(logits, 1);
  const normaliser = tf.logSumExp(logits, 1);
  const firsts = Int32Array.from({ length: answers }, (_, row) => row * classCount);
  const goldAt = tf.add(goldIds, tf.tensor1d(firsts, 'int32'));
  const gold = tf.gather(tf.reshape(logits, [answers * classCount]), goldAt);
  const columns = [
    tf.cast(best, 'float32'), // exact: no vocabulary has 2^24 pieces
    tf.sub(tf.max(logits, 1), normaliser),
    tf.sub(gold, normaliser),
  ] as Tensor1D[];
  const probed = tf.gather(logits, tf.tensor1d(probedIds, 'int32'), 1);
  return tf.concat([tf.stack(columns, 1) as Tensor2D, probed], 1);
}

/** Classes whose logits show that an exported graph is the trained student: spread over the vocabulary. */
export function probedClasses(classCount: number): Int32Array {
  const count = Math.min(classCount, PROBED);
  return Int32Array.from({ length: count }, (_, index) => Math.floor((index * classCount) / count));
}

const PROBED = 64;
