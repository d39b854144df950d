// A program of its own: prints one line of JSON about TensorFlow. A gradient is the shortest way
// through loader, addon, kernels and tfjs at once.
import { createRequire } from 'node:module';
import util from 'node:util';

// tfjs-node calls two functions that Node 23 removed.
Object.assign(util, {
  isNullOrUndefined: (/** @type {unknown} */ value) => value === null || value === undefined,
  isArray: Array.isArray,
});

const tf = createRequire(import.meta.url)(process.argv[2] ?? '');
const { binding } = tf.backend();
const gradient = tf.grad((/** @type {unknown} */ weights) =>
  tf.sum(tf.matMul(weights, tf.ones([3, 4]))),
)(tf.ones([2, 3]));
const exact = JSON.stringify(gradient.arraySync()) === '[[4,4,4],[4,4,4]]';
if (!exact) throw new Error('TensorFlow computes a wrong gradient');
console.log(JSON.stringify({ version: binding.TF_Version, gpu: binding.isUsingGpuDevice() }));
