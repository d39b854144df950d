import './node-version.mjs';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython, removeAbandonedDownloads } from './download.mjs';
import { findDriver } from './driver.mjs';
import { withLock } from './lock.mjs';
import { installOfficial } from './official.mjs';
import { placeCudaProvider, preloadList } from './onnxruntime.mjs';
import { parseOptions, rememberChoice, USAGE } from './options.mjs';
import {
  installNativePackages,
  installPackages,
  PACKAGES_FETCH_MB,
  PACKAGES_KEEP_MB,
  packagesAreCurrent,
} from './packages.mjs';
import { isInstalled, projectFolder, setupCommand } from './places.mjs';
import { inMegabytes, say } from './say.mjs';
import { probeOnnxruntime, probeTensorflow } from './self-check.mjs';
import { runProgram, SetupError } from './setup-error.mjs';
import { checkDiskSpace, installSite, missingWheels } from './site.mjs';
import { isInPlace, keyOf, readState, writeState } from './state.mjs';
import { placeTensorflow } from './tensorflow.mjs';
import { ONNXRUNTIME_GPU, TENSORFLOW_CPU, TENSORFLOW_GPU } from './wheels.mjs';

/** @typedef {import('./options.mjs').SetupOptions} SetupOptions */
/** @typedef {import('./driver.mjs').Driver} Driver */
/** @typedef {import('./state.mjs').Choice} Choice */
/** @typedef {import('./state.mjs').NativeState} NativeState */
/** @typedef {{ project: string, options: SetupOptions, driver: Driver, choice: Choice, key: string, development: boolean }} Plan */

/**
 * Puts everything in place that Decant needs: npm packages, TensorFlow's libraries and, on a machine
 * with an NVIDIA GPU, the CUDA provider of ONNX Runtime. Does nothing when all of it is there.
 * @param {{ args?: readonly string[], development?: boolean }} [request] development: tools for tests, too
 */
export async function setUp({ args = [], development = false } = {}) {
  const options = parseOptions(args);
  if (options === 'help') return console.log(USAGE);
  rememberChoice(args, options);
  const plan = makePlan(options, development);
  if (isComplete(plan) && !options.check) return tellState(plan);
  fs.mkdirSync(options.cache, { recursive: true });
  await withLock(path.join(options.cache, 'lock'), say, () => carryOut(plan));
}

/**
 * @param {SetupOptions} options
 * @param {boolean} development
 * @returns {Plan}
 */
function makePlan(options, development) {
  const driver = findDriver();
  const choice = chooseDevices(options, driver);
  const key = keyOf(choice, { cache: options.cache, driverFound: driver.found });
  return { project: projectFolder, options, driver, choice, key, development };
}

/**
 * @param {SetupOptions} options
 * @param {Driver} driver
 * @returns {Choice}
 */
function chooseDevices({ device, from }, driver) {
  /** @param {number} oldest driver */
  const choose = (oldest) => {
    if (device !== 'auto') return device;
    return driver.found && driver.major >= oldest ? 'gpu' : 'cpu';
  };
  return { tfDevice: choose(OLDEST_DRIVER.cuda12), ortDevice: choose(OLDEST_DRIVER.cuda13), from };
}

/** @param {Plan} plan */
function isComplete({ project, development, key }) {
  return (isInstalled || packagesAreCurrent(project, { development })) && isInPlace(project, key);
}

/** @param {Plan} plan */
function tellState({ project }) {
  say(`in place: ${readState(project)?.summary}`);
}

/** @param {Plan} plan */
async function carryOut(plan) {
  const { project, options, choice, development, key } = plan;
  // Another set-up may have done it while this one waited for the lock.
  if (isComplete(plan) && !options.check) return tellState(plan);
  await announce(plan);
  if (!isInstalled && !packagesAreCurrent(project, { development })) {
    say('npm ci puts the npm packages into node_modules, which takes a minute or two ...');
    await installPackages(project);
    say('npm packages installed');
  }
  if (isInstalled) await installNativePackages(project);
  if (!isInPlace(project, key)) {
    const sites = choice.from === 'official' ? await official(plan) : await fromWheels(plan);
    writeState(project, stateOf(plan, sites));
  }
  await checkAndKeep(plan);
}

/**
 * Says, before anything is fetched, how much that will be; stops where it cannot work.
 * @param {Plan} plan
 */
async function announce({ project, options, driver, choice, development }) {
  say(`${driver.note}: TensorFlow for ${choice.tfDevice}, ONNX Runtime for ${choice.ortDevice}`);
  if (!isInstalled && !packagesAreCurrent(project, { development })) {
    say(
      `npm packages: up to ${inMegabytes(PACKAGES_FETCH_MB)} to fetch, ${inMegabytes(PACKAGES_KEEP_MB)} to keep in node_modules`,
    );
  }
  if (choice.from === 'official') return;
  const wheels = setsOf(choice).flatMap((set) => missingWheels(options.cache, set));
  if (wheels.length === 0) return;
  checkPlatform();
  checkDiskSpace(options.cache, wheels);
  const fetchMb = wheels.reduce((sum, wheel) => sum + wheel.fetchMb, 0);
  const keepMb = wheels.reduce((sum, wheel) => sum + wheel.keepMb, 0);
  say(
    `native libraries: ${inMegabytes(fetchMb)} to fetch, ${inMegabytes(keepMb)} to keep in ${options.cache}`,
  );
  if (options.wheelFolder === undefined) await findPython();
}

/** @param {Plan} plan */
async function official({ project, choice }) {
  await installOfficial(project, choice);
  return {};
}

/** @param {Plan} plan */
async function fromWheels({ project, options, choice }) {
  removeAbandonedDownloads(options.cache);
  const tfSite = await installSite(tensorflowSet(choice), options);
  await placeTensorflow(project, { site: tfSite, cache: options.cache });
  if (choice.ortDevice === 'cpu') {
    placeCudaProvider(project, undefined);
    return { tfSite };
  }
  const ortSite = await installSite(ONNXRUNTIME_GPU, options);
  placeCudaProvider(project, ortSite);
  return { tfSite, ortSite, ortPreload: preloadList(ortSite) };
}

/**
 * @param {Plan} plan
 * @param {Pick<NativeState, 'tfSite' | 'ortSite' | 'ortPreload'>} sites
 * @returns {NativeState}
 */
function stateOf({ key, driver, choice }, sites) {
  return { key, driver: driver.note, ...choice, ...sites, good: false, summary: 'not checked' };
}

/**
 * Runs the self-check and keeps its result: a set-up that failed it is not taken for complete.
 * @param {Plan} plan
 */
async function checkAndKeep({ project, driver, choice }) {
  const state = readState(project);
  if (state === undefined)
    throw new SetupError('failed', 'the set-up left no state', `run \`${setupCommand()}\` again`);
  const onCuda = choice.ortDevice === 'gpu' && driver.found;
  const [tensorflow, onnxruntime] = await Promise.all([
    probeTensorflow(),
    probeOnnxruntime(onCuda ? 'cuda' : 'cpu', onCuda ? state.ortPreload : []),
  ]);
  if (!tensorflow.ok) throw checkFailed('TensorFlow', tensorflow.because);
  if (!onnxruntime.ok)
    throw checkFailed(`ONNX Runtime on ${onCuda ? 'CUDA' : 'CPU'}`, onnxruntime.because);
  if (choice.tfDevice === 'gpu' && driver.found && !tensorflow.gpu) {
    throw checkFailed('TensorFlow', `it does not see the GPU (${driver.note})`);
  }
  const summary = `TensorFlow ${tensorflow.version} on ${tensorflow.gpu ? 'GPU' : 'CPU'}, ONNX Runtime ${onnxruntime.version} on ${onCuda ? 'CUDA' : 'CPU'}`;
  writeState(project, { ...state, good: true, summary });
  say(`ready: ${summary}`);
  const unchecked = !driver.found && (choice.tfDevice === 'gpu' || choice.ortDevice === 'gpu');
  if (unchecked) say(`${driver.note}: the GPU libraries could only be placed, not tried`);
}

/**
 * @param {string} what
 * @param {string} because
 */
function checkFailed(what, because) {
  return new SetupError(
    'failed',
    `the libraries are in place, but the self-check of ${what} failed: ${because}`,
    `run \`npx decant doctor\`; on a machine whose GPU cannot be used: \`${setupCommand('--device cpu')}\``,
  );
}

/** @param {Choice} choice */
function setsOf(choice) {
  return choice.ortDevice === 'gpu'
    ? [tensorflowSet(choice), ONNXRUNTIME_GPU]
    : [tensorflowSet(choice)];
}

/** @param {Choice} choice */
function tensorflowSet({ tfDevice }) {
  return tfDevice === 'gpu' ? TENSORFLOW_GPU : TENSORFLOW_CPU;
}

function checkPlatform() {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new SetupError(
    'failed',
    `the pinned libraries are for Linux on x64; this is ${process.platform} on ${process.arch}`,
    `use a Linux container, or try \`${setupCommand('--from official')}\``,
  );
}

/** NVIDIA drivers that CUDA 12 (TensorFlow) and CUDA 13 (ONNX Runtime) ask for. */
const OLDEST_DRIVER = { cuda12: 525, cuda13: 580 };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runProgram(async () => {
    await setUp({ args: process.argv.slice(2), development: true });
    return 0;
  });
}
