import fs from 'node:fs';
import path from 'node:path';
import { cudaProviderIsPlaced } from './onnxruntime.mjs';
import { readJson, shortDigest, writeJson } from './places.mjs';
import { tensorflowIsPlaced } from './tensorflow.mjs';
import { ONNXRUNTIME_GPU, TENSORFLOW_CPU, TENSORFLOW_GPU } from './wheels.mjs';

/** @typedef {'cpu' | 'gpu'} Device */
/** @typedef {{ tfDevice: Device, ortDevice: Device, from: 'wheels' | 'official' }} Choice */

/**
 * What a set-up left in node_modules, for the next set-up, for `decant doctor` and for the teacher's
 * process (ortPreload).
 * @typedef {object} NativeState
 * @property {string} key what was asked for; another key means set up again
 * @property {string} driver
 * @property {Device} tfDevice
 * @property {Device} ortDevice
 * @property {'wheels' | 'official'} from
 * @property {string} [tfSite]
 * @property {string} [ortSite]
 * @property {string[]} [ortPreload]
 * @property {boolean} good the self-check passed
 * @property {string} summary one line for people
 */

/**
 * @param {string} project
 * @returns {NativeState | undefined}
 */
export function readState(project) {
  return /** @type {NativeState | undefined} */ (readJson(stateFile(project)));
}

/**
 * @param {string} project
 * @param {NativeState} state
 */
export function writeState(project, state) {
  writeJson(stateFile(project), state);
}

/**
 * Names a choice on this machine: when it changes, the set-up has something to do.
 * @param {Choice} choice
 * @param {{ cache: string, driverFound: boolean }} machine
 */
export function keyOf(choice, { cache, driverFound }) {
  const wheels = [TENSORFLOW_CPU, TENSORFLOW_GPU, ONNXRUNTIME_GPU].flatMap((set) =>
    set.wheels.map(({ sha256, take }) => [sha256, take.source]),
  );
  // With GPU libraries and no driver the self-check is not the whole one: run it when one appears.
  const unchecked = !driverFound && (choice.tfDevice === 'gpu' || choice.ortDevice === 'gpu');
  return shortDigest([choice, cache, wheels, unchecked]);
}

/**
 * Whether a set-up of this key is complete and nobody has removed its files since.
 * @param {string} project
 * @param {string} key
 */
export function isInPlace(project, key) {
  const state = readState(project);
  if (state?.key !== key || !state.good || !tensorflowIsPlaced(project)) return false;
  if (state.ortDevice === 'cpu') return true;
  const libraries = state.ortPreload ?? [];
  return cudaProviderIsPlaced(project) && libraries.every((library) => fs.existsSync(library));
}

/** @param {string} project */
function stateFile(project) {
  return path.join(project, 'node_modules/.native-setup.json');
}
