import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type CudaPlaces, diagnoseCuda, prepareCuda } from '#stages/onnx/cuda-provider.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const [SHARED, CUDA] = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];
const LOAD_FAILURE = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
const isLinux = process.platform === 'linux' && process.arch === 'x64';
const skip = isLinux ? false : 'ONNX Runtime has a CUDA provider for linux x64 only';

/** Places with these provider files; a library of every Linux stands in for the driver. */
function places(files: readonly string[], change: Partial<CudaPlaces> = {}): CudaPlaces {
  const providerFolder = temporaryFolder();
  for (const file of files) writeFileSync(join(providerFolder, file), '');
  return { providerFolder, driver: 'libm.so.6', preload: [], ...change };
}

test('a provider file that is not installed is named, each of the two', { skip }, () => {
  assert.equal(
    prepareCuda(places([])),
    `the provider file ${SHARED} of ONNX Runtime is not installed`,
  );
  assert.equal(
    prepareCuda(places([SHARED])),
    `the provider file ${CUDA} of ONNX Runtime is not installed`,
  );
});

test('a missing driver is named', { skip }, () => {
  const found = prepareCuda(places([SHARED, CUDA], { driver: 'libnodriver.so.1' }));
  assert.equal(found, 'there is no NVIDIA driver (libnodriver.so.1)');
});

test('a CUDA library of the set-up that cannot be loaded is named', { skip }, () => {
  const lost = join(temporaryFolder(), 'libcublasLt.so.13');
  const found = prepareCuda(places([SHARED, CUDA], { preload: ['libdl.so.2', lost] }));
  assert.match(found ?? '', /^a CUDA library cannot be loaded: .*libcublasLt\.so\.13/);
});

test('with provider, driver and libraries in place a session may be tried', { skip }, () => {
  assert.equal(prepareCuda(places([SHARED, CUDA], { preload: ['libdl.so.2'] })), undefined);
});

test('a library that the provider needs and nobody has is named, what the set-up fetched is not', {
  skip,
}, () => {
  // The binding of ONNX Runtime needs libonnxruntime.so.1, which lies beside it and not beside its copy.
  const entry = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));
  const binding = join(entry, 'bin', 'napi-v6', 'linux', 'x64', 'onnxruntime_binding.node');
  const lacking = places([SHARED]);
  copyFileSync(binding, join(lacking.providerFolder, CUDA));
  const reason = diagnoseCuda(LOAD_FAILURE, lacking);
  assert.equal(reason, 'these libraries are missing: libonnxruntime.so.1');
  const fetched = { ...lacking, preload: ['/fetched/libonnxruntime.so.1'] };
  assert.match(diagnoseCuda(LOAD_FAILURE, fetched) ?? '', /^the CUDA provider cannot be loaded: /);
});

test('what the driver says is told: no device, an old driver, a number that no GPU has', () => {
  for (const words of [
    'CUDA failure 100: no CUDA-capable device is detected',
    'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version',
    'CUDA failure 101: invalid device ordinal',
  ]) {
    const message = `${words} ; GPU=0 ; hostname=x ; expr=cudaSetDevice(info_.device_id)`;
    assert.equal(diagnoseCuda(message, places([])), `the driver refused: ${words}`);
  }
});

test('failures that are not about CUDA are not blamed on it', () => {
  assert.equal(diagnoseCuda('Invalid graph', places([])), undefined);
});
