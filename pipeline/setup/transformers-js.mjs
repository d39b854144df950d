// transformers.js, for tests that load exported students with it.
import fs from 'node:fs';
import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import { say } from './say.mjs';
import { SetupError } from './setup-error.mjs';

const PACKAGE = '@huggingface/transformers@4.3.1';

/**
 * Installs transformers.js into a folder of its own in the native cache, because it brings another ONNX Runtime; no
 * install script runs. Call it under a lock.
 * @param {string} cache
 * @returns {Promise<string>} the folder
 */
export async function transformersJs(cache) {
  const folder = path.join(cache, `transformers-js-${PACKAGE.split('@').at(-1)}`);
  const done = path.join(folder, '.done');
  if (fs.existsSync(done)) return folder;
  say(`${PACKAGE}: about 100 MB to fetch, 480 MB to keep in ${folder}`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', PACKAGE];
  const outcome = await runCommand('npm', args, { cwd: folder });
  if (outcome.status !== 0) {
    throw new SetupError(
      'retry',
      `npm could not install ${PACKAGE}:\n${lastLines(outcome, 6)}`,
      "check the network and npm's settings and run it again",
    );
  }
  fs.writeFileSync(done, '');
  return folder;
}
