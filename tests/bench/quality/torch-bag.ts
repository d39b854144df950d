import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * Test accuracy in %, by variant, of the bag in PyTorch on the rows and soft labels of the run whose `run.json`
 * this is: what is left between the two is arithmetic and luck, not the split and not the teacher. Empty, and why
 * on stderr, where DECANT_TORCH_PYTHON names no Python (with PyTorch and pyarrow).
 */
export function torchBag(runRecord: string): ReadonlyMap<string, number> {
  const python = process.env['DECANT_TORCH_PYTHON'];
  if (python === undefined) {
    console.error('PyTorch on the same rows: left out, DECANT_TORCH_PYTHON names no Python');
    return new Map();
  }
  const script = join(import.meta.dirname, 'torch_bag.py');
  const { status, stdout, stderr, error } = spawnSync(python, [script, runRecord], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${python} ${script}: ${error?.message ?? stderr}`);
  return new Map(Object.entries(JSON.parse(stdout) as Record<string, number>));
}
