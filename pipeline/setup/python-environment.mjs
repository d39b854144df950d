import fs from 'node:fs';
import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import { findPython } from './download.mjs';
import { shortDigest } from './places.mjs';
import { say } from './say.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * The Python of an environment with these requirements: made once in the native cache and kept;
 * other requirements make another one.
 * @param {string} cache
 * @param {{ name: string, requirements: string, size: string }} request requirements: path of the file
 * @returns {Promise<string>} path of the program
 */
export async function pythonEnvironment(cache, { name, requirements, size }) {
  const base = await findPython();
  const { stdout: version } = await runCommand(base, [
    '-c',
    'import sys; print(sys.version, sys.executable)',
  ]);
  const recipe = [fs.readFileSync(requirements, 'utf8'), version];
  const folder = path.join(cache, `${name}-${shortDigest(recipe)}`);
  const python = path.join(folder, 'bin/python');
  const done = path.join(folder, '.done');
  if (fs.existsSync(done)) return python;
  say(`Python environment: ${size} in ${folder}`);
  fs.rmSync(folder, { recursive: true, force: true });
  await runPython(base, ['-m', 'venv', folder]);
  await runPython(python, [
    '-m',
    'pip',
    '--disable-pip-version-check',
    'install',
    '--quiet',
    '-r',
    requirements,
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
