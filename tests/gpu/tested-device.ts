import { spawnSync } from 'node:child_process';
import { prepareCuda } from '#stages/onnx/cuda-provider.ts';
import type { TestedDevice } from '#tests/stages/soft-label/kinds/as-on-cpu.ts';

/**
 * Where the tests of teachers run: on CUDA. `DECANT_TEST_DEVICE=cpu npm run test:gpu` runs them on the CPU, to try
 * the tests themselves where there is no GPU.
 */
export const testedDevice: TestedDevice =
  process.env['DECANT_TEST_DEVICE'] === 'cpu' ? 'cpu' : 'cuda';

/** Why they are left out, or false. */
export const skip: string | false = testedDevice === 'cpu' ? false : withoutCuda();

/** Why nothing can run on CUDA here, or false. */
export function withoutCuda(): string | false {
  const missing = prepareCuda();
  return missing === undefined ? false : `no CUDA here: ${missing}`;
}

/** Used and whole memory of each GPU, as its driver tells it. */
export function memoryOfGpu(): string {
  const args = ['--query-gpu=memory.used,memory.total', '--format=csv,noheader'];
  const { stdout } = spawnSync('nvidia-smi', args, { encoding: 'utf8' });
  return stdout?.trim() || 'memory unknown';
}
