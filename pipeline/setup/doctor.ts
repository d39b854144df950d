import fs from 'node:fs';
import path from 'node:path';
import { type Driver, findDriver } from './driver.mjs';
import { cudaProviderIsPlaced } from './onnxruntime.mjs';
import { missingNativePackages, packagesAreCurrent } from './packages.mjs';
import {
  installCommand,
  isInstalled,
  nativeCacheFolder,
  projectFolder,
  setupCommand,
} from './places.mjs';
import { inMegabytes } from './say.mjs';
import { type Probe, probeOnnxruntime, probePackage, probeTensorflow } from './self-check.mjs';
import { type NativeState, readState } from './state.mjs';

/** One thing that Decant needs: there, broken, or absent where it may be absent. */
export interface Check {
  readonly name: string;
  readonly ok: boolean | 'absent';
  readonly detail: string;
  /** The way out; undefined when nothing has to be done. */
  readonly fix?: string;
}

/** What `decant doctor` shows. */
export interface Diagnosis {
  readonly checks: readonly Check[];
  /** False when something that every run needs does not work. */
  readonly healthy: boolean;
}

/** Looks at everything outside this repository that Decant stands on, without changing it. */
export async function diagnose(): Promise<Diagnosis> {
  const driver = findDriver();
  const state = readState(projectFolder);
  const checks = [
    checkNode(),
    checkPackages(),
    ...(await checkNativePackages()),
    checkTensorflow(await probeTensorflow(), state, driver),
    checkOnnxruntime(await probeOnnxruntime('cpu')),
    checkDriver(driver),
    await checkCuda(state, driver),
    checkDisk(),
    checkCache(),
  ];
  return { checks, healthy: checks.every(({ ok }) => ok !== false) };
}

function checkNode(): Check {
  // An older Node never comes this far: node-version.mjs stops it.
  return { name: 'Node', ok: true, detail: process.version };
}

function checkPackages(): Check {
  const name = 'npm packages';
  if (isInstalled) return checkInstalledPackages(name);
  if (packagesAreCurrent(projectFolder, { development: false })) {
    return { name, ok: true, detail: 'as in package-lock.json' };
  }
  return { name, ok: false, detail: 'not as in package-lock.json', fix: 'run npm ci' };
}

/** Of a project that has Decant in its node_modules: npm looks after the others. */
function checkInstalledPackages(name: string): Check {
  const missing = missingNativePackages(projectFolder);
  if (missing.length === 0) return { name, ok: true, detail: 'as Decant asks for' };
  const detail = `not in node_modules: ${missing.join(', ')}`;
  return { name, ok: false, detail, fix: `run ${setupCommand()}` };
}

async function checkNativePackages(): Promise<Check[]> {
  const probes = Object.entries(NATIVE_PACKAGES).map(async ([name, title]): Promise<Check> => {
    const probe = await probePackage(projectFolder, name);
    return probe.ok
      ? { name: title, ok: true, detail: `${name} ${probe.version}` }
      : { name: title, ok: false, detail: probe.because, fix: `run ${installCommand}` };
  });
  return await Promise.all(probes);
}

function checkTensorflow(probe: Probe, state: NativeState | undefined, driver: Driver): Check {
  const name = 'TensorFlow';
  if (!probe.ok) {
    const detail = state === undefined ? 'not set up' : probe.because;
    return { name, ok: false, detail, fix: `run ${setupCommand()}` };
  }
  const detail = `${probe.version} on ${probe.gpu ? 'GPU' : 'CPU'}`;
  if (state?.tfDevice === 'gpu' && driver.found && !probe.gpu) {
    const fix = `run ${setupCommand('--check')}; TF_CPP_MAX_VLOG_LEVEL=3 names a missing library`;
    return { name, ok: false, detail: `${detail}, although its GPU libraries are set up`, fix };
  }
  return { name, ok: true, detail };
}

function checkOnnxruntime(probe: Probe): Check {
  const name = 'ONNX Runtime';
  return probe.ok
    ? { name, ok: true, detail: `${probe.version} on CPU` }
    : { name, ok: false, detail: probe.because, fix: `run ${setupCommand()}` };
}

function checkDriver(driver: Driver): Check {
  return { name: 'NVIDIA driver', ok: driver.found ? true : 'absent', detail: driver.note };
}

async function checkCuda(state: NativeState | undefined, driver: Driver): Promise<Check> {
  const name = 'CUDA provider';
  const libraries = state?.ortPreload ?? [];
  if (!cudaProviderIsPlaced(projectFolder)) {
    const fix = driver.found ? { fix: `run ${setupCommand('--device gpu')}` } : {};
    return { name, ok: 'absent', detail: 'not set up', ...fix };
  }
  const missing = libraries.filter((library) => !fs.existsSync(library));
  if (missing.length > 0) {
    const detail = `missing: ${missing.map((library) => path.basename(library)).join(', ')}`;
    return { name, ok: false, detail, fix: `run ${setupCommand()}` };
  }
  if (!driver.found) return { name, ok: 'absent', detail: `set up, but ${driver.note}` };
  const probe = await probeOnnxruntime('cuda', libraries);
  if (probe.ok) return { name, ok: true, detail: `${probe.version} on CUDA` };
  return {
    name,
    ok: false,
    detail: probe.because,
    fix: 'CUDA 13 needs NVIDIA driver 580 or newer',
  };
}

function checkDisk(): Check {
  const { bavail, bsize } = fs.statfsSync(process.cwd());
  const freeMb = (bavail * bsize) / 1e6;
  const check = { name: 'disk', detail: `${inMegabytes(freeMb)} free in ${process.cwd()}` };
  if (freeMb >= SCARCE_DISK_MB) return { ...check, ok: true };
  return { ...check, ok: false, fix: 'free some space: a run writes its cache here' };
}

function checkCache(): Check {
  const folder = nativeCacheFolder();
  const name = 'native cache';
  if (!fs.existsSync(folder)) {
    return { name, ok: 'absent', detail: folder, fix: `run ${setupCommand()}` };
  }
  return { name, ok: true, detail: `${folder}, ${inMegabytes(sizeOf(folder) / 1e6)}` };
}

function sizeOf(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => fs.statSync(path.join(entry.parentPath, entry.name)).size)
    .reduce((sum, size) => sum + size, 0);
}

const NATIVE_PACKAGES = {
  '@duckdb/node-api': 'DuckDB',
  tokenizers: 'tokenizers',
  '@mongodb-js/zstd': 'zstd',
};

/** The sample needs some 50 MB; below this a real run is likely to end with a full disk. */
const SCARCE_DISK_MB = 500;
