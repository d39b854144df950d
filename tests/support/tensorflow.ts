import { loadTensorflow } from '#stages/tensorflow/runtime.ts';

/** TensorFlow on the CPU, the same on every machine. */
export const { tf } = loadTensorflow({ device: 'cpu' });
