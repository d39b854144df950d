import type { ValueTask } from '#datasets/task.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { binaryHardLoss, binarySoftLoss, squaredErrorLoss } from '#stages/tensorflow/value-loss.ts';

/** Finds a tensor of the batch by its name. */
export type FeedOf = <Rank extends Tensor>(name: string) => Rank;

/** What a student of values loses against the numbers of its teacher. */
export function valueSoftLoss(
  tf: Tensorflow,
  logits: Tensor2D,
  task: ValueTask,
  feedOf: FeedOf,
): Scalar {
  const weights = feedOf<Tensor1D>('rowWeights');
  const teacherLogits = feedOf<Tensor2D>('teacherLogits');
  // A number is what it is at every temperature.
  if (task === 'regression')
    return squaredErrorLoss(tf, logits, { targets: teacherLogits, weights });
  const temperature = feedOf<Scalar>('temperature');
  return binarySoftLoss(tf, logits, { teacherLogits, temperature, weights });
}

/** What it loses against gold values. */
export function valueHardLoss(
  tf: Tensorflow,
  logits: Tensor2D,
  task: ValueTask,
  { feedOf, labelSmoothing }: { readonly feedOf: FeedOf; readonly labelSmoothing: number },
): Scalar {
  const gold = { targets: feedOf<Tensor2D>('goldValues'), weights: feedOf<Tensor1D>('goldRows') };
  return task === 'regression'
    ? squaredErrorLoss(tf, logits, gold)
    : binaryHardLoss(tf, logits, { ...gold, labelSmoothing });
}
