// `npm run test:transformers`: exported students in transformers with PyTorch. Too much to fetch for CI; run it after
// a change to what we export.
import './node-version.mjs';
import path from 'node:path';
import { withLock } from './lock.mjs';
import { nativeCacheFolder, projectFolder } from './places.mjs';
import { pythonEnvironment } from './python-environment.mjs';
import { runTests } from './run-tests.mjs';
import { say } from './say.mjs';
import { setUp } from './setup.mjs';
import { runProgram } from './setup-error.mjs';

await runProgram(async () => {
  await setUp({ development: true });
  const cache = nativeCacheFolder();
  const places = await withLock(path.join(cache, 'transformers.lock'), say, async () => ({
    DECANT_INTEROP_PYTHON: await pythonEnvironment(cache, {
      name: 'transformers',
      requirements: path.join(projectFolder, 'tests/transformers/requirements.txt'),
      size: 'about 3 GB to fetch, 6 GB to keep',
    }),
  }));
  const selection = process.argv.slice(2);
  return await runTests(selection.length === 0 ? ['tests/transformers'] : selection, places);
});
