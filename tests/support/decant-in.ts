import { spawnSync } from 'node:child_process';
import { decantProgram } from './paths.ts';

/** Runs `decant ARGS` in a folder to its end. */
export function decant(
  cwd: string,
  args: readonly string[],
  input = '',
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [decantProgram, ...args], { cwd, input, encoding: 'utf8' });
}
