import fs from 'node:fs';
import path from 'node:path';
import { projectFolder } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** Suites that take long or need more than this machine may have; they run when they are named. */
const ON_REQUEST = ['tests/crash', 'tests/gpu', 'tests/interop', 'tests/transformers'];

/**
 * The test files to run: all of them, or those under the named files and folders.
 * @param {readonly string[]} selection
 * @param {string} [project]
 * @returns {string[]} relative to the project, sorted; never empty
 */
export function findTestFiles(selection, project = projectFolder) {
  const files =
    selection.length === 0
      ? testFilesUnder(project, 'tests').filter((file) => !isOnRequest(file))
      : selection.flatMap((name) => selected(project, name));
  // Node's runner ends well when it is given no file.
  if (files.length > 0) return [...new Set(files)].sort();
  throw new SetupError('usage', 'no test file was found', 'name files or folders under tests/');
}

/**
 * @param {string} project
 * @param {string} name
 */
function selected(project, name) {
  const relative = path.relative(project, path.resolve(project, name));
  const entry = fs.statSync(path.join(project, relative), { throwIfNoEntry: false });
  if (entry === undefined) {
    throw new SetupError('usage', `${name} does not exist`, 'name files or folders under tests/');
  }
  return entry.isDirectory() ? testFilesUnder(project, relative) : [relative];
}

/**
 * @param {string} project
 * @param {string} folder
 */
function testFilesUnder(project, folder) {
  const names = fs.readdirSync(path.join(project, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.test.ts')).map((name) => path.join(folder, name));
}

/** @param {string} file */
function isOnRequest(file) {
  return ON_REQUEST.some((folder) => file.startsWith(`${folder}${path.sep}`));
}
