import { Failure } from '#cache/failure.ts';
import { sharesOf } from './row-means.ts';
import type { Scalar, Tensor1D, Tensor2D, Tensorflow } from './runtime.ts';
import type { SoftTargets } from './soft-loss.ts';

/** What a soft loss of one's own is given: pure operations on it make the loss. */
export interface SoftLossBatch {
  /** [rows, classCount], raw. */
  readonly studentLogits: Tensor2D;
  /** What the teacher says of these rows. Weights of rows are not among it: the mean over rows is taken outside. */
  readonly targets: SoftTargets;
}

/**
 * A soft loss of the user's own: the loss of each row [rows], T^2 included. It is differentiated
 * automatically unless it brings its own gradient (`tf.customGrad`), and recorded into a graph, so that it
 * may neither read values back nor draw random numbers in JavaScript.
 */
export type OwnSoftLoss = (tf: Tensorflow, batch: SoftLossBatch) => Tensor1D;

/** The loss of a batch is not one number a row. */
export class SoftLossShapeError extends Failure {
  constructor(shape: readonly number[], rows: number) {
    super(
      'usage',
      'E_SOFT_LOSS_SHAPE',
      `the soft loss of your own gives a tensor [${shape.join(', ')}] for ${rows} rows`,
      `return one loss a row, a tensor [${rows}]: sum over the classes, and leave the mean over rows to decant`,
    );
  }
}

/** The weighted mean over rows of a loss of the user's own. */
export function ownSoftLoss(
  tf: Tensorflow,
  loss: OwnSoftLoss,
  studentLogits: Tensor2D,
  targets: SoftTargets,
): Scalar {
  const rows = loss(tf, { studentLogits, targets });
  const [rowCount] = studentLogits.shape;
  if (rows.shape.length !== 1 || rows.shape[0] !== rowCount) {
    throw new SoftLossShapeError(rows.shape, rowCount);
  }
  return tf.sum(tf.mul(rows, sharesOf(tf, targets.weights)));
}
