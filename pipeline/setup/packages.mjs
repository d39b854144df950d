import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import { readJson } from './places.mjs';
import { say } from './say.mjs';
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
    const isForTests = locked.dev && !NEEDED.has(folder);
    if (folder === '' || locked.optional || (isForTests && !development)) return true;
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
 * Puts the packages with native halves into a project that has Decant among its packages. They are no
 * dependencies of ours: their install scripts download from hosts that are often closed, and then npm undoes
 * the whole installation. The project's package.json stays as it is.
 * @param {string} project
 */
export async function installNativePackages(project) {
  const wanted = missingNativePackages(project);
  if (wanted.length === 0) return;
  say(`npm puts ${wanted.join(' and ')} into node_modules, 590 MB to keep ...`);
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...wanted];
  const outcome = await runCommand('npm', args, { cwd: project });
  if (outcome.status === 0) return;
  throw new SetupError(
    'retry',
    `npm ${args.join(' ')} failed:\n${lastLines(outcome, 8)}`,
    "check the network and npm's settings and run `npx decant setup` again",
  );
}

/**
 * Packages with native halves that a project lacks, as `name@version`. npm takes them out again whenever it
 * installs something else, as no package.json asks for them.
 * @param {string} project
 */
export function missingNativePackages(project) {
  return Object.entries(nativeVersions()).flatMap(([name, version]) => {
    const manifest = readJson(path.join(project, 'node_modules', name, 'package.json'));
    const found = /** @type {{ version?: string } | undefined} */ (manifest)?.version;
    return found === version ? [] : [`${name}@${version}`];
  });
}

/** Of the packages with native halves, as our package.json names them. */
function nativeVersions() {
  const file = path.resolve(import.meta.dirname, '..', '..', 'package.json');
  const { peerDependencies = {} } = /** @type {{ peerDependencies?: Record<string, string> }} */ (
    readJson(file) ?? {}
  );
  return peerDependencies;
}

/** Tools of development for npm, as the package does without them, and needed to start. */
const NEEDED = new Set([
  'node_modules/@tensorflow/tfjs-node-gpu',
  'node_modules/esbuild',
  'node_modules/onnxruntime-node',
]);

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
