import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ending, startCli } from './running-cli.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** `npm run test:crash -- --quick`: a few points of each kind instead of many. */
export const isQuick = process.env['DECANT_CRASH'] === 'quick';

/** Why nothing can be injected here, or false. */
export function withoutStrace(): string | false {
  const { status, stderr, error } = spawnSync('strace', ['-e', 'trace=none', 'true'], {
    encoding: 'utf8',
  });
  return status === 0 ? false : `strace does not work: ${error?.message ?? stderr.trim()}`;
}

/** What befalls the n-th call of a kind in the first thread that gets so far. */
export interface Injection {
  readonly call: string;
  /** As strace writes it: `signal=SIGKILL`, `error=EIO`. */
  readonly what: string;
  readonly when: number;
}

/** Runs `decant ARGS` with an injection; it has ended when its orphans have. */
export async function runInjected(
  args: readonly string[],
  cwd: string,
  { call, what, when }: Injection,
): Promise<Ending> {
  const inject = `inject=${call}:${what}:when=${when}`;
  const under = ['strace', '-f', '-qqq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject];
  return startCli(args, { cwd, under, env: ONE_FILE_THREAD }).ended;
}

/** How often the busiest thread makes each of these calls in an undisturbed run. */
export async function countCalls(
  args: readonly string[],
  cwd: string,
  calls: readonly string[],
): Promise<Map<string, number>> {
  const log = join(mkdtempSync(join(temporaryFolder(), 'strace-')), 'log');
  const under = ['strace', '-f', '-qqq', '-o', log, '-e', `trace=${calls.join(',')}`];
  const { code, stderr } = await startCli(args, { cwd, under, env: ONE_FILE_THREAD }).ended;
  assert.equal(code, 0, stderr);
  const perThread = new Map<string, number>();
  for (const [, thread, call] of readFileSync(log, 'utf8').matchAll(/^(\d+) +(\w+)\(/gm)) {
    const key = `${call} ${thread}`;
    perThread.set(key, (perThread.get(key) ?? 0) + 1);
  }
  const most = (call: string) =>
    Math.max(
      0,
      ...[...perThread].flatMap(([key, count]) => (key.startsWith(`${call} `) ? [count] : [])),
    );
  return new Map(calls.map((call) => [call, most(call)]));
}

/** Up to `limit` of the numbers 1 to `count`, evenly spread; the first and the last are among them when there are two or more. */
export function spread(count: number, limit: number): number[] {
  if (count <= limit) return Array.from({ length: count }, (_, index) => index + 1);
  if (limit === 1) return [Math.ceil(count / 2)];
  const step = (count - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, index) => 1 + Math.round(index * step));
}

// strace counts calls per thread, so all file calls of a process are put into one.
const ONE_FILE_THREAD = { UV_THREADPOOL_SIZE: '1' };
