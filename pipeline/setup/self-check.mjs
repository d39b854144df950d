import path from 'node:path';
import { runCommand } from './command.mjs';
import { ONNXRUNTIME } from './onnxruntime.mjs';
import { TFJS } from './tensorflow.mjs';

/** @typedef {{ ok: true, version: string, gpu: boolean } | { ok: false, because: string }} Probe */

// Each probe is a process of its own, as in production: a native library that aborts must not take
// us along, and TensorFlow and ONNX Runtime bring different CUDA versions with equal file names.

/** Whether TensorFlow loads, computes a gradient and sees a GPU. */
export function probeTensorflow() {
  return probe('tensorflow.mjs', [TFJS]);
}

/**
 * Whether ONNX Runtime computes on this device.
 * @param {'cpu' | 'cuda'} device
 * @param {readonly string[]} [preload] libraries to open first
 */
export function probeOnnxruntime(device, preload = []) {
  return probe('onnxruntime.mjs', [ONNXRUNTIME, device, JSON.stringify(preload)]);
}

/**
 * Whether an npm package with a native part loads.
 * @param {string} project
 * @param {string} name
 */
export function probePackage(project, name) {
  return probe('package.mjs', [project, name]);
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<Probe>}
 */
async function probe(program, args) {
  const file = path.join(import.meta.dirname, 'probes', program);
  const { stdout, stderr } = await runCommand(process.execPath, [file, ...args], {
    env: { TF_CPP_MIN_LOG_LEVEL: '2', TF_FORCE_GPU_ALLOW_GROWTH: 'true' },
  });
  const answer = stdout.trim().split('\n').at(-1) ?? '';
  if (!answer.startsWith('{')) return { ok: false, because: causeOf(stderr) };
  const { version, gpu = false } = JSON.parse(answer);
  return { ok: true, version, gpu };
}

/**
 * The line that names the cause: ONNX Runtime's exception hides the library, its log names it.
 * @param {string} stderr
 */
function causeOf(stderr) {
  const causes = [/with error: (.+)/, /(CUDA failure[^;\n]*)/, /^\s*\w*Error: (.+)/m];
  for (const cause of causes) {
    const found = cause.exec(stderr)?.[1];
    if (found) return found.trim();
  }
  return stderr.trim().split('\n').at(-1) || 'the process ended without an answer';
}
