import { nativeBackend, type Tensor, type Tensorflow } from '#stages/tensorflow/runtime.ts';
import { type BatchHalf, onceABatch } from './halves.ts';
import type { ForwardInputs } from './student.ts';

/** Drops values of a tensor and scales the rest up. */
export type Dropout = (x: Tensor) => Tensor;

/** What a pass gets in which nothing is dropped. */
export const NO_DROPOUT: Dropout = (x) => x;

/**
 * Dropout whose masks depend on the fed seed and on how often it was called in this forward pass.
 * tfjs's own would draw in JavaScript, which a recorded graph turns into one constant mask.
 */
export function dropoutOf(
  tf: Tensorflow,
  rate: number,
  { dropoutSeed: seed, half }: Pick<ForwardInputs, 'dropoutSeed' | 'half'>,
): Dropout {
  if (seed === undefined || rate === 0) return NO_DROPOUT;
  let calls = 0;
  const draw = (shape: readonly number[]): Tensor =>
    statelessUniform(tf, shape, seedOfCall(tf, seed, calls));
  const drawHalf = ([rows = 0, ...rest]: readonly number[], of: BatchHalf): Tensor => {
    const both = () => tf.split(draw([2 * rows, ...rest]), 2, 0);
    return onceABatch(of, `dropout ${calls}`, both)[of.index] as Tensor;
  };
  return (x) => {
    calls += 1;
    const uniform = half === undefined ? draw(x.shape) : drawHalf(x.shape, half);
    const mask = tf.mul(tf.cast(tf.greaterEqual(uniform, rate), 'float32'), 1 / (1 - rate));
    return tf.mul(x, mask);
  };
}

/** Adds multiples of 2^32 / golden ratio: far apart, so that neighbouring steps share no mask. */
function seedOfCall(tf: Tensorflow, seed: Tensor, call: number): Tensor {
  const offset = Int32Array.of(0, Math.imul(call, 0x9e3779b9));
  return tf.add(seed, tf.tensor1d(offset, 'int32'));
}

/** Uniform [0, 1) from a seed alone: equal in the eager and the recorded step, and after a resume. */
function statelessUniform(tf: Tensorflow, shape: readonly number[], seed: Tensor): Tensor {
  const backend = nativeBackend(tf);
  const { binding } = backend;
  const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value });
  return backend.executeSingleOutput(
    'StatelessRandomUniform',
    [type('dtype', binding.TF_FLOAT), type('T', binding.TF_INT32), type('Tseed', binding.TF_INT32)],
    [tf.tensor1d(Int32Array.from(shape), 'int32'), seed],
  );
}
