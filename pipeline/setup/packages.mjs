import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import { readJson } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** @typedef {{ version?: string, optional?: boolean, dev?: boolean, link?: boolean }} LockedPackage */

/** What `npm ci` fetches at most and keeps, in decimal megabytes. */
export const PACKAGES_FETCH_MB = 330;
export const PACKAGES_KEEP_MB = 950;

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes a lock file of its own into
 * node_modules as its last step; the versions are compared, not the times, which git changes.
 * @param {string} project
 * @param {{ development: boolean }} options development: the tools for tests count, too
 */
export function packagesAreCurrent(project, { development }) {
  const wanted = lockedPackages(path.join(project, 'package-lock.json'));
  const present = lockedPackages(path.join(project, 'node_modules/.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([folder, locked]) => {
    // npm leaves out optional packages of other platforms.
    if (folder === '' || locked.optional || (locked.dev && !development)) return true;
    return present[folder]?.version === locked.version;
  });
}

/**
 * Runs `npm ci`; install scripts stay off (.npmrc), so that no closed download host can stop it.
 * @param {string} project
 */
export async function installPackages(project) {
  const npm = process.env['npm_execpath'];
  const [command, ...first] = npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm'];
  const args = [...first, 'ci', '--no-progress', '--ignore-scripts'];
  const outcome = await runCommand(command ?? 'npm', args, { cwd: project });
  if (outcome.status === 0) return;
  if (outcome.status === 127) {
    throw new SetupError(
      'failed',
      'npm was not found',
      'install npm (it comes with Node) and run `npm start` again',
    );
  }
  throw new SetupError(
    'retry',
    `npm ci failed:\n${lastLines(outcome, 8)}`,
    "check the network and npm's settings and run `npm start` again",
  );
}

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage> | undefined}
 */
function lockedPackages(file) {
  const lock = /** @type {{ packages?: Record<string, LockedPackage> } | undefined} */ (
    readJson(file)
  );
  return lock?.packages;
}
