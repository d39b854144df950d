import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isCompiled, ownProgramPath } from '#cache/own-program.ts';
import type { FailureReport } from '#pipeline/events.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { FromHost, HostTask, StopReason, ToHost } from './host-protocol.ts';

/** How a stage host ended. */
export type HostOutcome =
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly failure: FailureReport };

/** A running stage host. */
export interface StageHost {
  readonly pid: number | undefined;
  readonly outcome: Promise<HostOutcome>;
  stop(reason: StopReason): void;
  kill(): void;
}

/** Starts a process for one task. It inherits `lockFd`, so the store stays locked while it lives. */
export function startHost(
  task: HostTask,
  lockFd: number,
  onEvent: (event: StageEvent) => void,
): StageHost {
  const child = fork(ownProgramPath('./stage-host.ts', import.meta.url), ['serve'], {
    execArgv: [...readingTypeScript(), '--no-warnings'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', lockFd],
    serialization: 'advanced',
  });
  const lastLines = keepLastLines(child, STDERR_LINES);
  let lastEvent: StageEvent | undefined;
  const outcome = new Promise<HostOutcome>((resolve) => {
    let answer: HostOutcome | undefined;
    child.on('message', (message: FromHost) => {
      switch (message.type) {
        case 'ready':
          return post(child, task);
        case 'event':
          lastEvent = message.event;
          return onEvent(message.event);
        case 'done':
        case 'failed':
          answer = message;
          return;
        default:
          return message satisfies never;
      }
    });
    child.on('error', (error) => {
      answer ??= {
        type: 'failed',
        failure: hostFailure(task, error.message, lastEvent, lastLines),
      };
    });
    child.on('close', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      const died = () => hostFailure(task, how, lastEvent, lastLines);
      resolve(answer ?? { type: 'failed', failure: died() });
    });
  });
  return {
    pid: child.pid,
    outcome,
    stop: (reason) => post(child, { type: 'stop', reason }),
    kill: () => void child.kill('SIGKILL'),
  };
}

function readingTypeScript(): string[] {
  return isCompiled ? [] : ['--import', import.meta.resolve('#cache/loader/register.mjs')];
}

/** Passes stop and kill requests on to a host until it has ended. */
export async function obeying(
  host: StageHost,
  stop: AbortSignal,
  kill: AbortSignal,
): Promise<HostOutcome> {
  const onStop = () =>
    host.stop((stop.reason as { stopReason?: StopReason }).stopReason ?? 'terminated');
  const onKill = () => host.kill();
  stop.addEventListener('abort', onStop);
  kill.addEventListener('abort', onKill);
  // The request may have come between two stages, when nobody listened.
  if (stop.aborted) onStop();
  try {
    return await host.outcome;
  } finally {
    stop.removeEventListener('abort', onStop);
    kill.removeEventListener('abort', onKill);
  }
}

function post(child: ChildProcess, message: ToHost): void {
  if (child.connected) child.send(message, () => undefined);
}

/** Native libraries say on stderr what they do not say in their errors. */
function keepLastLines(child: ChildProcess, limit: number): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > limit) lines.shift();
    });
  }
  return lines;
}

function hostFailure(
  task: HostTask,
  how: string,
  lastEvent: StageEvent | undefined,
  lines: readonly string[],
): FailureReport {
  const outOfMemory =
    how === 'signal SIGKILL' || lines.some((line) => /heap out of memory|bad_alloc/.test(line));
  const said =
    lines.length === 0 ? '' : `\nits last words:\n${lines.map((line) => `  | ${line}`).join('\n')}`;
  const doing =
    lastEvent === undefined ? 'before its first event' : `after ${JSON.stringify(lastEvent)}`;
  return {
    kind: outOfMemory ? 'retry' : 'internal',
    code: 'E_HOST_DIED',
    message: `the process of ${nameOf(task)} ended with ${how} ${doing}${said}`,
    fix: outOfMemory
      ? 'it was killed or ran out of memory: give it more, or lower soft-label.tokenBudget or student.batchSize; then run the same command again, finished parts are kept'
      : 'run the same command again: finished parts are kept; `npx decant doctor` checks the native libraries',
  };
}

function nameOf(task: HostTask): string {
  return task.type === 'run' ? task.job.instance : 'the rehearsal';
}

const STDERR_LINES = 50;
