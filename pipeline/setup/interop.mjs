// `npm run test:interop`: what we write, read by Python's libraries. Makes a Python environment in
// the native cache (kept; another requirements.txt makes another one), then runs tests/interop.
import './node-version.mjs';
import fs from 'node:fs';
import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import { findPython } from './download.mjs';
import { withLock } from './lock.mjs';
import { nativeCacheFolder, projectFolder, shortDigest } from './places.mjs';
import { runTests } from './run-tests.mjs';
import { say } from './say.mjs';
import { setUp } from './setup.mjs';
import { runProgram, SetupError } from './setup-error.mjs';

const REQUIREMENTS = path.join(projectFolder, 'tests/interop/requirements.txt');

await runProgram(async () => {
  await setUp({ development: true });
  const cache = nativeCacheFolder();
  const python = await withLock(path.join(cache, 'interop.lock'), say, () => interopPython(cache));
  const selection = process.argv.slice(2);
  return await runTests(selection.length === 0 ? ['tests/interop'] : selection, {
    DECANT_INTEROP_PYTHON: python,
  });
});

/**
 * The Python of an environment that has our requirements.
 * @param {string} cache
 */
async function interopPython(cache) {
  const base = await findPython();
  const { stdout: version } = await runCommand(base, [
    '-c',
    'import sys; print(sys.version, sys.executable)',
  ]);
  const recipe = [fs.readFileSync(REQUIREMENTS, 'utf8'), version];
  const folder = path.join(cache, `interop-${shortDigest(recipe)}`);
  const python = path.join(folder, 'bin/python');
  const done = path.join(folder, '.done');
  if (fs.existsSync(done)) return python;
  say(`Python environment: about 200 MB to fetch, 750 MB to keep in ${folder}`);
  fs.rmSync(folder, { recursive: true, force: true });
  await runPython(base, ['-m', 'venv', folder]);
  await runPython(python, [
    '-m',
    'pip',
    '--disable-pip-version-check',
    'install',
    '--quiet',
    '-r',
    REQUIREMENTS,
  ]);
  fs.writeFileSync(done, '');
  say('Python environment ready');
  return python;
}

/**
 * @param {string} python
 * @param {readonly string[]} args
 */
async function runPython(python, args) {
  const outcome = await runCommand(python, args);
  if (outcome.status === 0) return;
  throw new SetupError(
    'retry',
    `${python} ${args.slice(0, 3).join(' ')} failed:\n${lastLines(outcome, 6)}`,
    'Python 3.11 or newer with venv and pip is needed (Debian, Ubuntu: apt-get install python3-venv)',
  );
}
