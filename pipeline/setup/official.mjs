import fs from 'node:fs';
import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import { ONNXRUNTIME } from './onnxruntime.mjs';
import { packageFolder, setupCommand } from './places.mjs';
import { say } from './say.mjs';
import { SetupError } from './setup-error.mjs';
import { TFJS } from './tensorflow.mjs';

/** @typedef {import('./state.mjs').Choice} Choice */

/**
 * Runs the install scripts of the npm packages themselves, which .npmrc keeps off: they download
 * from their makers' hosts.
 * @param {string} project
 * @param {Choice} choice
 */
export async function installOfficial(project, { tfDevice, ortDevice }) {
  const tensorflow = packageFolder(project, TFJS);
  // Its installer clears this folder; a link of ours must not lead it into the cache.
  if (tensorflow !== undefined)
    fs.rmSync(path.join(tensorflow, 'deps'), { recursive: true, force: true });
  await runInstaller(project, TFJS, ['scripts/install.js', tfDevice, 'download']);
  // The CPU half of ONNX Runtime is inside its package.
  if (ortDevice === 'gpu') await runInstaller(project, ONNXRUNTIME, ['script/install.js']);
}

/**
 * @param {string} project
 * @param {string} name
 * @param {readonly string[]} args
 */
async function runInstaller(project, name, args) {
  say(`${name}: its own installer`);
  const outcome = await runCommand(process.execPath, args, {
    cwd: path.join(project, 'node_modules', name),
    env: {
      ONNXRUNTIME_NODE_INSTALL: 'true',
      PATH: `${path.join(project, 'node_modules/.bin')}${path.delimiter}${process.env['PATH']}`,
    },
  });
  if (outcome.status === 0) return;
  throw new SetupError(
    'retry',
    `the installer of ${name} failed:\n${lastLines(outcome, 8)}`,
    `check that its download host can be reached, or run \`${setupCommand('--from wheels')}\``,
  );
}
