import fs from 'node:fs';
import path from 'node:path';
import { fetchWheel } from './download.mjs';
import { placeLink, shortDigest } from './places.mjs';
import { inMegabytes, say } from './say.mjs';
import { SetupError } from './setup-error.mjs';
import { extractZip } from './zip.mjs';

/** @typedef {import('./wheels.mjs').Wheel} Wheel */
/** @typedef {import('./wheels.mjs').WheelSet} WheelSet */

/**
 * The folder that a set of wheels is unpacked into; another pin is another folder.
 * @param {string} cache
 * @param {WheelSet} set
 */
export function siteFolder(cache, set) {
  const recipe = set.wheels.map(({ name, version, sha256, take }) => [
    name,
    version,
    sha256,
    take.source,
  ]);
  return path.join(cache, `${set.name}-${shortDigest(recipe)}`);
}

/**
 * The wheels of a set that are not unpacked yet.
 * @param {string} cache
 * @param {WheelSet} set
 */
export function missingWheels(cache, set) {
  return set.wheels.filter((wheel) => !fs.existsSync(doneMark(siteFolder(cache, set), wheel)));
}

/**
 * Unpacks what is missing of a set, wheel by wheel: an interrupted run goes on with the next wheel.
 * @param {WheelSet} set
 * @param {{ cache: string, wheelFolder?: string | undefined }} options
 * @returns {Promise<string>} its folder
 */
export async function installSite(set, options) {
  const site = siteFolder(options.cache, set);
  const missing = missingWheels(options.cache, set);
  let keptBytes = 0;
  for (const [index, wheel] of missing.entries()) {
    const place = missing.length === 1 ? '' : ` (${index + 1} of ${missing.length})`;
    say(`${wheel.name} ${wheel.version}: fetching ${inMegabytes(wheel.fetchMb)}${place}`);
    keptBytes += await unpackWheel(wheel, site, options);
  }
  if (missing.length > 0) {
    say(`${set.title}: every sha256 as pinned, ${inMegabytes(keptBytes / 1e6)} unpacked`);
  }
  linkCudaNeighbours(site);
  return site;
}

/**
 * @param {Wheel} wheel
 * @param {string} site
 * @param {{ cache: string, wheelFolder?: string | undefined }} options
 * @returns {Promise<number>} bytes kept
 */
async function unpackWheel(wheel, site, options) {
  const { file, release } = await fetchWheel(wheel, options);
  try {
    const { bytes } = await extractZip(file, { take: wheel.take, into: site });
    fs.mkdirSync(path.dirname(doneMark(site, wheel)), { recursive: true });
    fs.writeFileSync(doneMark(site, wheel), '');
    return bytes;
  } finally {
    release();
  }
}

/**
 * Refuses to start a download that the disk cannot hold.
 * @param {string} cache
 * @param {readonly Wheel[]} wheels
 */
export function checkDiskSpace(cache, wheels) {
  const keep = wheels.reduce((sum, wheel) => sum + wheel.keepMb, 0);
  const largest = Math.max(0, ...wheels.map(({ fetchMb }) => fetchMb));
  const { bavail, bsize } = fs.statfsSync(cache);
  const freeMb = (bavail * bsize) / 1e6;
  // A wheel is removed when it is unpacked: at most one lies beside the files.
  if (freeMb >= keep + largest) return;
  throw new SetupError(
    'retry',
    `${cache} has ${inMegabytes(freeMb)} free, ${inMegabytes(keep + largest)} are needed`,
    'free some space, or name another folder by DECANT_NATIVE_CACHE',
  );
}

/** @param {string} site */
function linkCudaNeighbours(site) {
  if (!fs.existsSync(path.join(site, 'nvidia/cusolver'))) return;
  // TensorFlow opens cuSOLVER from libtensorflow_framework, whose RUNPATH lists every CUDA folder
  // but this one; without the link it warns and uses the CPU.
  placeLink(
    '../../cusolver/lib/libcusolver.so.11',
    path.join(site, 'nvidia/cusparse/lib/libcusolver.so.11'),
  );
  // cuDNN 9.3 looks for its run-time compiler in ../../nvrtc/lib.
  placeLink('cuda_nvrtc', path.join(site, 'nvidia/nvrtc'));
}

/**
 * @param {string} site
 * @param {Wheel} wheel
 */
function doneMark(site, { name, version }) {
  return path.join(site, '.done', `${name}-${version}`);
}
