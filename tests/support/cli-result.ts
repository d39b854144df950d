import assert from 'node:assert/strict';
import type { CliResult, MiniProject } from './mini-project.ts';

/** The command ended with this code and said all this; no stack trace ever: the failure is expected. */
export function assertRefused(result: CliResult, code: number, ...says: readonly RegExp[]): void {
  const { stderr } = result;
  assert.equal(result.code, code, stderr);
  for (const expected of says) assert.match(stderr, expected);
  assert.doesNotMatch(stderr, /^ +at |E_INTERNAL|node:internal/m);
}

/** Runs a command that has to end well; returns its stdout. */
export async function succeed(project: MiniProject, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await project.decant(...args);
  assert.equal(code, 0, `decant ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return stdout;
}
