import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/**
 * Runs `work` while no other process holds the lock of this file. The kernel keeps the lock (flock),
 * so a killed set-up leaves none behind.
 * @template T
 * @param {string} file
 * @param {(message: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, say, work) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const descriptor = fs.openSync(file, 'a+');
  try {
    await acquire(descriptor, file, say);
    fs.ftruncateSync(descriptor);
    fs.writeSync(descriptor, String(process.pid));
    return await work();
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * @param {number} descriptor
 * @param {string} file
 * @param {(message: string) => void} say
 */
async function acquire(descriptor, file, say) {
  const now = await flock(descriptor, ['--nonblock']);
  if (now === 'held') {
    say(`waiting for another set-up (process ${fs.readFileSync(file, 'utf8') || 'unknown'})`);
  }
  const outcome = now === 'held' ? await flock(descriptor, []) : now;
  if (outcome !== 'got') say(`cannot lock ${file}: do not start a second set-up meanwhile`);
}

/**
 * The flock command locks the open file that it inherits; the lock is ours when it has ended.
 * @param {number} descriptor
 * @param {readonly string[]} options
 * @returns {Promise<'got' | 'held' | 'failed'>} failed: no flock command, or a disk that cannot lock
 */
function flock(descriptor, options) {
  return new Promise((resolve) => {
    const child = spawn('flock', [...options, '3'], {
      stdio: ['ignore', 'ignore', 'ignore', descriptor],
    });
    child.once('error', () => resolve('failed'));
    child.once('exit', (status) =>
      resolve(status === 0 ? 'got' : status === 1 ? 'held' : 'failed'),
    );
  });
}
