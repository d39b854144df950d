import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import test from 'node:test';
import { Failure } from '#cache/failure.ts';
import { loadTensorflow, TensorflowMissingError } from '#stages/tensorflow/runtime.ts';

test('TensorFlow loads and names its version and device', () => {
  const { tf, version, device } = loadTensorflow({ device: 'cpu' });
  assert.match(version, /^2\.\d+\.\d+/);
  assert.equal(device, 'cpu');
  assert.deepEqual([...tf.tidy(() => tf.tensor1d([1, 2]).add(1).dataSync())], [2, 3]);
});

test('operations that go side by side have half of the cores, or what the environment says', (t) => {
  const before = process.env[THREADS];
  t.after(() => {
    if (before === undefined) delete process.env[THREADS];
    else process.env[THREADS] = before;
  });
  delete process.env[THREADS];
  loadTensorflow({ device: 'cpu' });
  assert.equal(process.env[THREADS], undefined);
  loadTensorflow({ device: 'cpu', sideBySide: true });
  assert.equal(process.env[THREADS], String(Math.ceil(availableParallelism() / 2)));
  process.env[THREADS] = '7';
  loadTensorflow({ device: 'cpu', sideBySide: true });
  assert.equal(process.env[THREADS], '7');
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

const THREADS = 'TF_NUM_INTRAOP_THREADS';
