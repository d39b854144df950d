import { nativeBackend, type Tensor, type Tensorflow } from './runtime.ts';

/**
 * sqrt(sum x^2) over the last axis, which stays with length 1. TensorFlow's own operation: it reads x once, where tfjs
 * writes the squares down and reads them again. No gradient is known for it.
 */
export function euclideanNorm(tf: Tensorflow, x: Tensor): Tensor {
  const backend = nativeBackend(tf);
  const { binding } = backend;
  const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value });
  return backend.executeSingleOutput(
    'EuclideanNorm',
    [
      { name: 'keep_dims', type: binding.TF_ATTR_BOOL, value: true },
      type('T', binding.TF_FLOAT),
      type('Tidx', binding.TF_INT32),
    ],
    [x, tf.tensor1d([-1], 'int32')],
  );
}
