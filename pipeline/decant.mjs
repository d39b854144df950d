#!/usr/bin/env node
// The command line: in a checkout it makes Node read TypeScript, in the package it starts what was built.
// Plain JavaScript, so that it can say what is missing on a fresh clone.
import './setup/node-version.mjs';
import fs from 'node:fs';
import path from 'node:path';

/** Commands that load a model, train one, or start a stage that does. */
const NEED_LIBRARIES = new Set(['run', 'sweep', 'estimate', 'predict', 'teacher', 'loss']);

/** What a set-up leaves in node_modules; npm takes the packages out again when it installs another one. */
const PLACED = ['.native-setup.json', '@tensorflow/tfjs-node-gpu', 'onnxruntime-node'];

const built = [
  new URL('./cli.js', import.meta.url),
  new URL('../dist/pipeline/cli.js', import.meta.url),
];

if (fs.existsSync(path.join(import.meta.dirname, 'cli.ts'))) {
  await startCheckout(path.resolve(import.meta.dirname, '..'));
} else {
  const entry = built.find((url) => fs.existsSync(url));
  if (entry === undefined) {
    fail('this package was packed without its build', 'pack it with npm run package');
  } else {
    const { projectFolder } = await import(new URL('./setup/places.mjs', entry).href);
    noteMissingLibraries(projectFolder, 'npx decant setup');
    await import(entry.href);
  }
}

/** @param {string} project */
async function startCheckout(project) {
  if (!fs.existsSync(path.join(project, 'node_modules/esbuild/package.json'))) {
    fail('the npm packages are not installed', `run npm start or npm run setup in ${project}`);
  }
  noteMissingLibraries(project, `npm start or npm run setup in ${project}`);
  await import(new URL('../cache/loader/register.mjs', import.meta.url).href);
  await import(new URL('./cli.ts', import.meta.url).href);
}

/**
 * @param {string} project
 * @param {string} command
 */
function noteMissingLibraries(project, command) {
  if (!NEED_LIBRARIES.has(process.argv[2] ?? '')) return;
  const present = PLACED.every((name) => fs.existsSync(path.join(project, 'node_modules', name)));
  if (present) return;
  process.stderr.write(`note: the native libraries are not set up: run ${command}\n`);
}

/**
 * @param {string} problem
 * @param {string} fix
 * @returns {never}
 */
function fail(problem, fix) {
  process.stderr.write(`error: ${problem}\n  fix: ${fix}\n`);
  process.exit(2);
}
