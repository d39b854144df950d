// `npm run test:transformers`: exported students in Hugging Face's own libraries, transformers with
// PyTorch and transformers.js. Too much to fetch for CI; run it after a change to what we export.
import './node-version.mjs';
import fs from 'node:fs';
import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import { withLock } from './lock.mjs';
import { nativeCacheFolder, projectFolder } from './places.mjs';
import { pythonEnvironment } from './python-environment.mjs';
import { runTests } from './run-tests.mjs';
import { say } from './say.mjs';
import { setUp } from './setup.mjs';
import { runProgram, SetupError } from './setup-error.mjs';

const TRANSFORMERS_JS = '@huggingface/transformers@4.3.1';

await runProgram(async () => {
  await setUp({ development: true });
  const cache = nativeCacheFolder();
  const places = await withLock(path.join(cache, 'transformers.lock'), say, async () => ({
    DECANT_INTEROP_PYTHON: await pythonEnvironment(cache, {
      name: 'transformers',
      requirements: path.join(projectFolder, 'tests/transformers/requirements.txt'),
      size: 'about 3 GB to fetch, 6 GB to keep',
    }),
    TRANSFORMERS_JS_FOLDER: await transformersJs(cache),
  }));
  const selection = process.argv.slice(2);
  return await runTests(selection.length === 0 ? ['tests/transformers'] : selection, places);
});

/**
 * Installs transformers.js into a folder of its own, because it brings another ONNX Runtime.
 * @param {string} cache
 * @returns {Promise<string>} the folder
 */
async function transformersJs(cache) {
  const folder = path.join(cache, `transformers-js-${TRANSFORMERS_JS.split('@').at(-1)}`);
  const done = path.join(folder, '.done');
  if (fs.existsSync(done)) return folder;
  say(`${TRANSFORMERS_JS}: about 100 MB to fetch, 480 MB to keep in ${folder}`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', TRANSFORMERS_JS];
  const outcome = await runCommand('npm', args, { cwd: folder });
  if (outcome.status !== 0) {
    throw new SetupError(
      'retry',
      `npm could not install ${TRANSFORMERS_JS}:\n${lastLines(outcome, 6)}`,
      "check the network and npm's settings and run it again",
    );
  }
  fs.writeFileSync(done, '');
  return folder;
}
