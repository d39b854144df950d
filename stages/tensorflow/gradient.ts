import type { Scalar, Tensor1D, Tensorflow } from './runtime.ts';
import type { FeedTensors, StepLoss, StepProgram } from './step-program.ts';

/** The loss of one batch, its reported parts, and its derivative by every weight. */
export interface LossAndGradient extends StepLoss {
  readonly gradient: Tensor1D;
}

/** Differentiates the program's loss. The parts are kept beyond any tidy: the caller disposes of them. */
export function lossAndGradient(
  tf: Tensorflow,
  program: StepProgram,
  weights: Tensor1D,
  feeds: FeedTensors,
  bucket: number,
): LossAndGradient {
  let parts: Readonly<Record<string, Scalar>> = {};
  const { value, grad } = tf.valueAndGrad((variable) => {
    const result = program.loss(tf, variable as Tensor1D, feeds, bucket);
    // A copy: a part that is the loss itself would otherwise be disposed of together with it.
    parts = Object.fromEntries(
      Object.entries(result.parts).map(([name, part]) => [name, tf.keep(part.clone())]),
    );
    return result.loss;
  })(weights);
  return { loss: value as Scalar, parts, gradient: grad as Tensor1D };
}
