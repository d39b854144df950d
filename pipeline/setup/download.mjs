import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { lastLines, runCommand } from './command.mjs';
import { setupCommand } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** @typedef {import('./wheels.mjs').Wheel} Wheel */

/**
 * Gets one wheel and checks its digest: from a local folder when it is there, else through pip,
 * which knows the mirrors, proxies and certificates of this machine.
 * @param {Wheel} wheel
 * @param {{ cache: string, wheelFolder?: string | undefined }} options
 * @returns {Promise<{ file: string, release: () => void }>} release removes what was downloaded
 */
export async function fetchWheel(wheel, { cache, wheelFolder }) {
  const local = wheelFolder === undefined ? undefined : findWheel(wheel, wheelFolder);
  if (local !== undefined) {
    await checkDigest(wheel, local);
    return { file: local, release: () => undefined };
  }
  const folder = fs.mkdtempSync(path.join(cache, DOWNLOAD_PREFIX));
  const release = () => fs.rmSync(folder, { recursive: true, force: true });
  try {
    await downloadByPip(wheel, folder);
    const file = findWheel(wheel, folder);
    if (file === undefined)
      throw new SetupError('failed', `pip left no ${label(wheel)}`, byHand(wheel));
    await checkDigest(wheel, file);
    return { file, release };
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Removes what an interrupted set-up was downloading. Only for the holder of the lock.
 * @param {string} cache
 */
export function removeAbandonedDownloads(cache) {
  const abandoned = fs.readdirSync(cache).filter((name) => name.startsWith(DOWNLOAD_PREFIX));
  for (const name of abandoned) fs.rmSync(path.join(cache, name), { recursive: true, force: true });
}

/**
 * The first Python whose pip is new enough to fetch for another Python version.
 * @returns {Promise<string>}
 */
export async function findPython() {
  for (const command of [process.env['PYTHON'], 'python3', 'python']) {
    if (!command) continue;
    const outcome = await runCommand(command, ['-m', 'pip', '--version']);
    const [, major = 0, minor = 0] = /^pip (\d+)\.(\d+)/.exec(outcome.stdout) ?? [];
    if (outcome.status === 0 && Number(major) * 100 + Number(minor) >= OLDEST_PIP) return command;
  }
  throw new SetupError(
    'failed',
    'no python3 with pip 19.2 or newer was found: pip fetches the native libraries',
    `install them (Debian, Ubuntu: apt-get install python3-pip; or name one by PYTHON=...), or fetch the wheels elsewhere and run \`${setupCommand('--wheels DIR')}\``,
  );
}

/**
 * @param {Wheel} wheel
 * @param {string} folder
 */
async function downloadByPip(wheel, folder) {
  const python = await findPython();
  // cp311 whatever Python runs it: one file of which one digest can be pinned.
  const target = ['--implementation', 'cp', '--abi', 'cp311', '--python-version', '311'];
  const platforms = PLATFORMS.flatMap((platform) => ['--platform', platform]);
  const quiet = ['--disable-pip-version-check', 'download', '--quiet', '--no-cache-dir'];
  const args = ['-m', 'pip', ...quiet, '--no-deps', '--only-binary=:all:', ...target, ...platforms];
  for (let attempt = 1; ; attempt++) {
    const outcome = await runCommand(python, [...args, '--dest', folder, requirement(wheel)]);
    if (outcome.status === 0) return;
    if (attempt === ATTEMPTS) {
      throw new SetupError(
        'retry',
        `pip could not download ${label(wheel)}:\n${lastLines(outcome)}`,
        `check the network and pip's settings and run \`${setupCommand()}\` again (what is complete is kept), or ${byHand(wheel)}`,
      );
    }
    await wait(attempt * 1000);
  }
}

/**
 * @param {Wheel} wheel
 * @param {string} file
 */
async function checkDigest(wheel, file) {
  const hash = createHash('sha256');
  await pipeline(fs.createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  const digest = hash.digest('hex');
  if (digest === wheel.sha256) return;
  throw new SetupError(
    'failed',
    `${path.basename(file)}: sha256 is ${digest}, expected ${wheel.sha256}`,
    'the file is damaged or not the published one: it was not used; get it from another source',
  );
}

/**
 * @param {Wheel} wheel
 * @param {string} folder
 */
function findWheel(wheel, folder) {
  const prefix = `${wheel.name.replaceAll(/[-_.]+/g, '_')}-${wheel.version}-`.toLowerCase();
  const name = fs.readdirSync(folder).find((candidate) => {
    const [distribution = '', ...rest] = candidate.toLowerCase().split('-');
    const normalized = [distribution.replaceAll(/[_.]+/g, '_'), ...rest].join('-');
    return normalized.startsWith(prefix) && normalized.endsWith('.whl');
  });
  return name === undefined ? undefined : path.join(folder, name);
}

/** @param {Wheel} wheel */
function requirement({ name, version }) {
  return `${name}==${version}`;
}

/** @param {Wheel} wheel */
function label({ name, version }) {
  return `${name} ${version}`;
}

/** @param {Wheel} wheel */
function byHand({ name, version }) {
  return `fetch ${name}-${version} (cp311, manylinux, x86_64) elsewhere and run \`${setupCommand('--wheels DIR')}\``;
}

const DOWNLOAD_PREFIX = 'download-';
const ATTEMPTS = 3;
const OLDEST_PIP = 1902;
const PLATFORMS = [
  'manylinux_2_28_x86_64',
  'manylinux_2_27_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux_2_12_x86_64',
  'manylinux_2_5_x86_64',
  'manylinux2014_x86_64',
  'manylinux2010_x86_64',
  'manylinux1_x86_64',
];
