import type { ValueTask } from '#datasets/task.ts';
import type { Scalar, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { SoftLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import {
  type BinaryGold,
  type BinaryTargets,
  binaryDivergence,
  binaryHardLoss,
  binarySoftLoss,
  squaredErrorLoss,
} from '#stages/tensorflow/value-loss.ts';

/** What a student of values loses against the numbers of its teacher. */
export function valueSoftLoss(
  tf: Tensorflow,
  logits: Tensor2D,
  task: ValueTask,
  { kind, targets }: { readonly kind: SoftLossKind; readonly targets: BinaryTargets },
): Scalar {
  // A number is what it is at every temperature, and squared errors are all that compares two.
  if (task === 'regression') {
    const { teacherLogits, weights } = targets;
    return squaredErrorLoss(tf, logits, { targets: teacherLogits, weights });
  }
  return kind.name === 'forward-kl'
    ? binarySoftLoss(tf, logits, targets)
    : binaryDivergence(tf, kind, logits, targets);
}

/** What it loses against gold values. */
export function valueHardLoss(
  tf: Tensorflow,
  logits: Tensor2D,
  task: ValueTask,
  gold: BinaryGold,
): Scalar {
  return task === 'regression'
    ? squaredErrorLoss(tf, logits, gold)
    : binaryHardLoss(tf, logits, gold);
}
