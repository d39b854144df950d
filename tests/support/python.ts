import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repository } from './paths.ts';

/** The Python of the environment that `npm run test:interop` makes; fails where there is none. */
export function pythonProgram(): string {
  const python = process.env['DECANT_INTEROP_PYTHON'];
  assert.ok(python, 'these tests need a Python environment: npm run test:interop');
  return python;
}

/** Runs a script under tests/ and returns the JSON that it prints; what it found wrong becomes the error. */
export async function runPython<Result>(
  script: string,
  ...args: readonly string[]
): Promise<Result> {
  const path = join(repository, 'tests', script);
  const { code, stdout, stderr } = await runProgram(pythonProgram(), [path, ...args]);
  assert.equal(code, 0, `${script} ${args.join(' ')}\n${stderr}`);
  return JSON.parse(stdout) as Result;
}

/** Runs a program to its end; `input` goes to its stdin. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, input = '' }: { readonly cwd?: string; readonly input?: string } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' };
  const child = spawn(program, args, { cwd, env });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  // A program that does not read may be gone before its input is written.
  child.stdin.on('error', () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, ...said };
}
