import { loadTensorflow } from '#stages/tensorflow/runtime.ts';

/** TensorFlow on the CPU, the same on every machine; tests/gpu has the same tests run on CUDA. */
export const { tf } = loadTensorflow({
  device: process.env['DECANT_TEST_DEVICE'] === 'cuda' ? 'cuda' : 'cpu',
});
