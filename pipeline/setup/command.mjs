import { spawn } from 'node:child_process';

/** @typedef {{ status: number, stdout: string, stderr: string }} Outcome status 127: no such command */

/**
 * Runs a command to its end and keeps what it printed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options] show: print at once, keep nothing
 * @returns {Promise<Outcome>}
 */
export function runCommand(command, args, { cwd, env, show = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.once('error', (error) => resolve({ status: 127, stdout, stderr: error.message }));
    child.once('close', (status) => resolve({ status: status ?? 1, stdout, stderr }));
  });
}

/**
 * The last lines of a command's output, for an error message.
 * @param {Outcome} outcome
 */
export function lastLines({ stdout, stderr }, count = 4) {
  const text = stderr.trim() || stdout.trim();
  return text.split('\n').slice(-count).join('\n');
}
