import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

/**
 * @typedef {object} Driver
 * @property {boolean} found libcuda.so.1 can be opened
 * @property {number} major version, Infinity when it cannot be known (WSL)
 * @property {string} note for people
 */

/**
 * What NVIDIA driver this machine (or container) has.
 * @returns {Driver}
 */
export function findDriver() {
  const version = kernelModuleVersion();
  const found = opensDriverLibrary();
  const major = version === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(version, 10);
  if (found) return { found, major, note: `NVIDIA driver ${version ?? 'of unknown version'}` };
  const note = version
    ? `NVIDIA kernel module ${version} but no libcuda.so.1 (a container without the NVIDIA runtime?)`
    : 'no NVIDIA driver';
  return { found, major, note };
}

function kernelModuleVersion() {
  try {
    const text = fs.readFileSync('/proc/driver/nvidia/version', 'utf8');
    return /Kernel Module[^\d]*([\d.]+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/** In a process of its own, so that ours never carries CUDA. */
function opensDriverLibrary() {
  const code = `try { process.dlopen({ exports: {} }, 'libcuda.so.1') } catch (error) {
    process.exit(/self-register/.test(error.message) ? 0 : 1) }`;
  return spawnSync(process.execPath, ['-e', code]).status === 0;
}
