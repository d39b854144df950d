import fs from 'node:fs';
import path from 'node:path';
import { installCommand, packageFolder, placeLink, readJson, setupCommand } from './places.mjs';
import { say } from './say.mjs';
import { SetupError } from './setup-error.mjs';
import { ONNXRUNTIME_VERSION } from './wheels.mjs';

/** The npm package whose CUDA half this is; its CPU half is in the package. */
export const ONNXRUNTIME = 'onnxruntime-node';

/**
 * Puts ONNX Runtime's CUDA provider beside the library that opens it, or takes it away.
 * @param {string} project
 * @param {string | undefined} site folder of the unpacked wheels; undefined: no CUDA
 */
export function placeCudaProvider(project, site) {
  const folder = packageFolder(project, ONNXRUNTIME);
  if (folder === undefined) {
    throw new SetupError(
      'failed',
      `${ONNXRUNTIME} is not in node_modules`,
      `run \`${installCommand}\`, then \`${setupCommand()}\``,
    );
  }
  if (site !== undefined) checkVersion(folder);
  for (const file of providerFiles(project)) {
    if (site === undefined) fs.rmSync(file, { force: true });
    else placeLink(path.join(site, 'onnxruntime/capi', path.basename(file)), file);
  }
  if (site !== undefined) say(`CUDA provider of ONNX Runtime linked to ${path.basename(site)}`);
}

/** @param {string} project */
export function cudaProviderIsPlaced(project) {
  return providerFiles(project).every((file) => fs.existsSync(file));
}

/**
 * The CUDA libraries that the teacher's process opens by path before it asks for CUDA, so that the
 * loader then finds them by name: dependencies first. Never with RTLD_GLOBAL (TensorFlow exports
 * functions of the same names).
 * @param {string} site
 */
export function preloadList(site) {
  return PRELOAD.map((name) => path.join(site, 'nvidia', name));
}

/** @param {string} project */
function providerFiles(project) {
  const folder = path.join(project, 'node_modules', ONNXRUNTIME, 'bin/napi-v6/linux/x64');
  return ['shared', 'cuda'].map((name) => path.join(folder, `libonnxruntime_providers_${name}.so`));
}

/** @param {string} folder */
function checkVersion(folder) {
  const { version } = /** @type {{ version?: string }} */ (
    readJson(path.join(folder, 'package.json'))
  );
  if (version === ONNXRUNTIME_VERSION) return;
  throw new SetupError(
    'failed',
    `${ONNXRUNTIME} is ${version}, but the CUDA provider is of ${ONNXRUNTIME_VERSION}: they must match`,
    `run \`${installCommand}\`, or \`${setupCommand('--device cpu')}\``,
  );
}

const PRELOAD = [
  'cu13/lib/libcudart.so.13',
  'cu13/lib/libcublasLt.so.13',
  'cu13/lib/libcublas.so.13',
  'cu13/lib/libcurand.so.10',
  'cudnn/lib/libcudnn.so.9',
];
