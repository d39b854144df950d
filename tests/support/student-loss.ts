import { topK } from '#stages/numerics/top-k.ts';
import {
  hardLoss,
  softLossDense,
  softLossSampled,
  softLossTopK,
} from '#stages/tensorflow/distillation-loss.ts';
import type { Scalar, Tensor2D } from '#stages/tensorflow/runtime.ts';
import { tf } from './tensorflow.ts';

/** A loss of a batch with its derivative by every logit, row by row. */
export interface BatchLoss {
  readonly loss: number;
  readonly gradient: number[][];
}

/** The soft loss over all classes. Without weights every row counts. */
export function softDense(
  student: number[][],
  teacher: number[][],
  temperature: number,
  weights = student.map(() => 1),
): BatchLoss {
  return differentiate(student, (logits) =>
    softLossDense(tf, logits, {
      teacherLogits: tf.tensor2d(teacher),
      temperature: tf.scalar(temperature),
      weights: tf.tensor1d(weights),
    }),
  );
}

/** The soft loss over the teacher's top k and the tail bucket. */
export function softTopK(
  student: number[][],
  teacher: number[][],
  k: number,
  temperature: number,
  weights = student.map(() => 1),
): BatchLoss {
  const tops = teacher.map((row) => topK(row, k, temperature));
  return differentiate(student, (logits) =>
    softLossTopK(tf, logits, {
      topIds: tf.tensor2d(
        tops.map(({ ids }) => [...ids]),
        undefined,
        'int32',
      ),
      teacherLogProbs: tf.tensor2d(tops.map(({ logProbs }) => [...logProbs])),
      tailLogMass: tf.tensor1d(tops.map(({ tailLogMass }) => tailLogMass)),
      temperature: tf.scalar(temperature),
      weights: tf.tensor1d(weights),
    }),
  );
}

/** The soft loss over draws, whose lists are filled up to one width. */
export function softSampled(
  student: number[][],
  draws: readonly { readonly ids: number[]; readonly shares: number[] }[],
  temperature: number,
  weights = student.map(() => 1),
): BatchLoss {
  const width = Math.max(...draws.map(({ ids }) => ids.length)) + 1;
  const filled = (values: number[]) => [...values, ...Array(width - values.length).fill(0)];
  return differentiate(student, (logits) =>
    softLossSampled(tf, logits, {
      sampleIds: tf.tensor2d(
        draws.map(({ ids }) => filled(ids)),
        undefined,
        'int32',
      ),
      sampleShares: tf.tensor2d(draws.map(({ shares }) => filled(shares))),
      temperature: tf.scalar(temperature),
      weights: tf.tensor1d(weights),
    }),
  );
}

/** The cross-entropy with the gold classes. */
export function hard(
  student: number[][],
  goldIds: number[],
  labelSmoothing = 0,
  weights = student.map(() => 1),
): BatchLoss {
  return differentiate(student, (logits) =>
    hardLoss(tf, logits, {
      goldIds: tf.tensor1d(goldIds, 'int32'),
      weights: tf.tensor1d(weights),
      labelSmoothing,
    }),
  );
}

/** The sum of two losses of the same batch, each with its weight. */
export function mixed(first: BatchLoss, share: number, second: BatchLoss, rest: number): BatchLoss {
  return {
    loss: share * first.loss + rest * second.loss,
    gradient: first.gradient.map((row, b) =>
      row.map((value, c) => share * value + rest * (second.gradient[b]?.[c] ?? Number.NaN)),
    ),
  };
}

/** Loss and gradient of a batch of logits. */
export function differentiate(
  student: number[][],
  lossOf: (logits: Tensor2D) => Scalar,
): BatchLoss {
  tf.engine().startScope();
  try {
    const { value, grad } = tf.valueAndGrad((logits) => lossOf(logits as Tensor2D))(
      tf.tensor2d(student),
    );
    return { loss: value.arraySync() as number, gradient: grad.arraySync() as number[][] };
  } finally {
    tf.engine().endScope();
  }
}
