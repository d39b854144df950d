import os from 'node:os';
import { runCommand } from './command.mjs';
import { projectFolder } from './places.mjs';
import { findTestFiles } from './test-files.mjs';

/**
 * Runs test files with Node's runner, each in a process of its own.
 * @param {readonly string[]} selection files and folders; empty: all that any machine can run
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} the exit code
 */
export async function runTests(selection, env = {}) {
  const files = findTestFiles(selection);
  // TensorFlow and ONNX Runtime use every core themselves; the rest waits for the disk.
  const concurrency = Math.max(2, Math.floor(os.availableParallelism() / 2));
  const args = [
    '--import',
    './cache/loader/register.mjs',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${concurrency}`,
  ];
  const outcome = await runCommand(process.execPath, [...args, ...files], {
    cwd: projectFolder,
    env,
    show: true,
  });
  return outcome.status;
}
