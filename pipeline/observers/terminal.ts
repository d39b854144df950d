import { Listr, type ListrTaskWrapper } from 'listr2';
import type { Observer, RunEvent } from '#pipeline/events.ts';
import { describeResult, type ProgressMeter, startMeter } from './progress.ts';

type Task = ListrTaskWrapper<unknown, never, never>;

/** One line of the list while its stage runs: resolved or rejected by the events of the run. */
interface Line {
  readonly ended: Promise<void>;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
  task?: Task;
  meter?: ProgressMeter;
}

/** Shows a run as a list with a spinner, rate, time left and loss: for people at a terminal. */
export function terminalObserver(): Observer {
  const lines = new Map<string, Line>();
  const warnings: string[] = [];
  let shown: Promise<unknown> = Promise.resolve();
  const lineOf = (instance: string) => lines.get(instance);
  const observe = (event: RunEvent): void => {
    switch (event.type) {
      case 'run-started':
        for (const instance of event.instances) lines.set(instance, startLine());
        shown = list(lines).run();
        return;
      case 'stage-started':
        return setOutput(lineOf(event.instance), event.because);
      case 'stage-event':
        if (event.event.type === 'warning')
          warnings.push(`${event.instance}: ${event.event.message}`);
        return showEvent(lineOf(event.instance), event.event);
      case 'stage-fresh':
        return endLine(lineOf(event.instance), `${event.instance} · fresh`);
      case 'stage-finished':
        return endLine(
          lineOf(event.instance),
          `${event.instance} · ${describeResult(event.result, event.durationMs)}`,
        );
      case 'stage-failed':
        return lineOf(event.instance)?.fail(new Error(event.failure.message.split('\n')[0]));
      case 'run-finished':
        for (const line of lines.values()) line.end();
        return;
      case 'waiting-for-lock':
        process.stderr.write(`${event.message}\n`);
        return;
      default:
        return event satisfies never;
    }
  };
  return {
    observe,
    async close() {
      await shown.catch(() => undefined);
      for (const warning of warnings) process.stderr.write(`! ${warning}\n`);
    },
  };
}

/** The only place that knows listr2. Signals belong to the engine. */
function list(lines: ReadonlyMap<string, Line>): Listr {
  const tasks = [...lines].map(([instance, line]) => ({
    title: instance,
    task: (_: unknown, task: Task) => {
      line.task = task;
      return line.ended;
    },
  }));
  return new Listr(tasks, {
    concurrent: false,
    exitOnError: true,
    registerSignalListeners: false,
    renderer: 'default',
    rendererOptions: { collapseErrors: false, showErrorMessage: true },
  });
}

function startLine(): Line {
  const { promise, resolve, reject } = withResolvers();
  promise.catch(() => undefined);
  return { ended: promise, end: resolve, fail: reject, meter: startMeter() };
}

function showEvent(
  line: Line | undefined,
  event: Extract<RunEvent, { type: 'stage-event' }>['event'],
) {
  if (event.type === 'progress') setOutput(line, line?.meter?.describe(event) ?? '');
  if (event.type === 'note' || event.type === 'warning') setOutput(line, event.message);
}

function setOutput(line: Line | undefined, text: string): void {
  if (line?.task !== undefined) line.task.output = text;
}

function endLine(line: Line | undefined, title: string): void {
  if (line?.task !== undefined) line.task.title = title;
  line?.end();
}

function withResolvers() {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
