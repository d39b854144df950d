// `npm run test:interop`: what we write, read by Python's libraries and by transformers.js, and the package as npm
// installs it. Makes a Python environment (kept; another requirements.txt makes another one) and a folder with
// transformers.js in the native cache, then runs tests/interop.
import './node-version.mjs';
import path from 'node:path';
import { withLock } from './lock.mjs';
import { nativeCacheFolder, projectFolder } from './places.mjs';
import { pythonEnvironment } from './python-environment.mjs';
import { runTests } from './run-tests.mjs';
import { say } from './say.mjs';
import { setUp } from './setup.mjs';
import { runProgram } from './setup-error.mjs';
import { transformersJs } from './transformers-js.mjs';

await runProgram(async () => {
  await setUp({ development: true });
  const cache = nativeCacheFolder();
  const places = await withLock(path.join(cache, 'interop.lock'), say, async () => ({
    DECANT_INTEROP_PYTHON: await pythonEnvironment(cache, {
      name: 'interop',
      requirements: path.join(projectFolder, 'tests/interop/requirements.txt'),
      size: 'about 250 MB to fetch, 1 GB to keep',
    }),
    TRANSFORMERS_JS_FOLDER: await transformersJs(cache),
  }));
  const selection = process.argv.slice(2);
  return await runTests(selection.length === 0 ? ['tests/interop'] : selection, places);
});
