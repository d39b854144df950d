import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const packagesAbove = import.meta.dirname.lastIndexOf(`${path.sep}node_modules${path.sep}`);

/** Do we stand in somebody's node_modules? Then npm, and nobody else, installs packages there. */
export const isInstalled = packagesAbove >= 0;

/** The folder whose node_modules we use: the root of the repository, or of the project we are installed in. */
export const projectFolder = isInstalled
  ? import.meta.dirname.slice(0, packagesAbove)
  : path.resolve(import.meta.dirname, '..', '..');

/**
 * What to type for a set-up with these options, here.
 * @param {string} [options]
 */
export function setupCommand(options) {
  if (isInstalled) return ['npx decant setup', options].filter(Boolean).join(' ');
  return options === undefined ? 'npm run setup' : `npm run setup -- ${options}`;
}

/** What to type for the npm packages, here: the lock file of a project that has Decant in it is not ours. */
export const installCommand = isInstalled ? 'npm install' : 'npm ci';

/**
 * Where downloaded native libraries live: outside node_modules, so that they survive `npm ci` and
 * serve every checkout.
 */
export function nativeCacheFolder(env = process.env) {
  if (env['DECANT_NATIVE_CACHE']) return path.resolve(env['DECANT_NATIVE_CACHE']);
  const base = env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache');
  return path.join(base, 'decant-native');
}

/**
 * The folder of an installed npm package, or undefined.
 * @param {string} project
 * @param {string} name
 */
export function packageFolder(project, name) {
  const folder = path.join(project, 'node_modules', name);
  return fs.existsSync(path.join(folder, 'package.json')) ? folder : undefined;
}

/**
 * The parsed file, or undefined when it is absent or not JSON.
 * @param {string} file
 * @returns {unknown}
 */
export function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} file
 * @param {unknown} value
 */
export function writeJson(file, value) {
  replace(file, (temporary) => fs.writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`));
}

/**
 * Makes `at` a symbolic link to `target`, whatever was there before.
 * @param {string} target
 * @param {string} at
 */
export function placeLink(target, at) {
  if (isLinkTo(target, at)) return;
  if (fs.lstatSync(at, { throwIfNoEntry: false })?.isDirectory())
    fs.rmSync(at, { recursive: true });
  replace(at, (temporary) => fs.symlinkSync(target, temporary));
}

/**
 * Copies a file by rename: a process that has the old one mapped keeps it.
 * @param {string} source
 * @param {string} at
 */
export function placeCopy(source, at) {
  replace(at, (temporary) => fs.copyFileSync(source, temporary));
}

/**
 * A short name for a recipe.
 * @param {unknown} value
 */
export function shortDigest(value) {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);
}

/**
 * @param {string} at
 * @param {(temporary: string) => void} write
 */
function replace(at, write) {
  fs.mkdirSync(path.dirname(at), { recursive: true });
  const temporary = `${at}.${process.pid}.tmp`;
  fs.rmSync(temporary, { force: true });
  write(temporary);
  fs.renameSync(temporary, at);
}

/**
 * @param {string} target
 * @param {string} at
 */
function isLinkTo(target, at) {
  try {
    return fs.readlinkSync(at) === target;
  } catch {
    return false;
  }
}
