import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { type BatchHalf, onceABatch } from './halves.ts';
import { centre, normalise, normaliseCentred } from './operations.ts';
import { type NamedTensors, parameterOf } from './student.ts';

/** What the layers of a pre-norm encoder read through a norm and add to: rows [tokens, width]. */
export interface ResidualStream {
  begin(x: Tensor): Tensor;
  /** The weight [width, in] of a product that is added. */
  weight(name: string): Tensor;
  normalise(x: Tensor): Tensor2D;
}

/**
 * Every norm takes the mean off each row. Where nothing between a product and the stream changes single numbers, as
 * dropout does, it is taken off the first rows and off weights, once for the whole batch: then no row has a mean, and norms
 * pass over the rows less often. What they give is the same.
 */
export function residualStream(
  tf: Tensorflow,
  named: NamedTensors,
  {
    isCentred,
    epsilon,
    half,
  }: {
    readonly isCentred: boolean;
    readonly epsilon: number;
    readonly half: BatchHalf | undefined;
  },
): ResidualStream {
  if (!isCentred) {
    return {
      begin: (x) => x,
      weight: (name) => parameterOf(named, name),
      normalise: (x) => normalise(tf, x, epsilon),
    };
  }
  return {
    begin: (x) => centre(tf, x, -1),
    weight(name) {
      const [centred] = onceABatch(half, name, () => [centre(tf, parameterOf(named, name), 0)]);
      return centred as Tensor;
    },
    normalise: (x) => normaliseCentred(tf, x, epsilon),
  };
}
