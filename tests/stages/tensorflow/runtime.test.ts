import assert from 'node:assert/strict';
import test from 'node:test';
import { Failure } from '#cache/failure.ts';
import { loadTensorflow, TensorflowMissingError } from '#stages/tensorflow/runtime.ts';

test('TensorFlow loads and names its version and device', () => {
  const { tf, version, device } = loadTensorflow({ device: 'cpu' });
  assert.match(version, /^2\.\d+\.\d+/);
  assert.equal(device, 'cpu');
  assert.deepEqual([...tf.tidy(() => tf.tensor1d([1, 2]).add(1).dataSync())], [2, 3]);
});

test('a GPU that was asked for and is not there is a failure with the way out', () => {
  loadTensorflow({ device: 'cpu' });
  assert.throws(
    () => loadTensorflow({ device: 'cuda' }),
    (error) =>
      error instanceof Failure &&
      error.code === 'E_DEVICE_MISSING' &&
      /npx decant doctor/.test(error.fix) &&
      /npx decant setup --device gpu/.test(error.fix),
  );
});

test('a missing native library is a failure that names the set-up', () => {
  const failure = new TensorflowMissingError(new Error('tfjs_binding.node can not be found'));
  assert.equal(failure.kind, 'model');
  assert.match(failure.message, /tfjs_binding\.node/);
  assert.match(failure.fix, /npx decant setup/);
});
