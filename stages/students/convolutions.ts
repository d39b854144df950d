import type { Tensor, Tensor4D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { ParameterSpec } from './student.ts';

/** A filter bank: decays, starts so that a ReLU behind it keeps the variance (He et al. 2015). */
export function filters(
  name: string,
  shape: readonly [outputs: number, inputs: number, ...window: number[]],
): ParameterSpec {
  const [, ...seen] = shape;
  const fanIn = seen.reduce((product, size) => product * size, 1);
  return { name, shape, decay: true, init: { kind: 'normal', std: Math.sqrt(2 / fanIn) } };
}

/**
 * Each filter at each place of x [batch, rows, columns, channels]; the weight lies as PyTorch has it: [out, in,
 * rows, columns]. `same` pads with zeros on all sides so that there are as many places as before.
 */
export function convolve(
  tf: Tensorflow,
  x: Tensor,
  weight: Tensor,
  padding: 'same' | 'valid',
): Tensor4D {
  const kernel = tf.transpose(weight, [2, 3, 1, 0]) as Tensor4D; // [rows, columns, in, out]
  return tf.conv2d(x as Tensor4D, kernel, 1, padding);
}
