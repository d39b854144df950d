import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildInto } from './build.mjs';
import { runCommand } from './command.mjs';
import { projectFolder } from './places.mjs';
import { findTestFiles } from './test-files.mjs';

/**
 * Runs test files with Node's runner, each in a process of its own. Together they start Decant so often that they
 * run it as it is packed, which begins sooner; a selection runs the checkout.
 * @param {readonly string[]} selection files and folders; empty: all that any machine can run
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} the exit code
 */
export async function runTests(selection, env = {}) {
  const files = findTestFiles(selection);
  if (selection.length > 0) return await runFiles(files, env);
  const built = fs.mkdtempSync(path.join(os.tmpdir(), 'decant-built-'));
  try {
    for (const name of ['node_modules', 'package-lock.json']) {
      fs.symlinkSync(path.join(projectFolder, name), path.join(built, name));
    }
    await buildInto(built);
    return await runFiles(files, {
      ...env,
      TESTED_DECANT: path.join(built, 'pipeline/decant.mjs'),
    });
  } finally {
    fs.rmSync(built, { recursive: true });
  }
}

/**
 * @param {readonly string[]} files
 * @param {NodeJS.ProcessEnv} env
 */
async function runFiles(files, env) {
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
