import type { Observer, RunEvent } from '#pipeline/events.ts';
import { describeResult, formatDuration, type ProgressMeter, startMeter } from './progress.ts';

export interface PlainLinesOptions {
  readonly write: (line: string) => void;
  /** Least time between two progress lines, and most time without any line, in milliseconds. */
  readonly everyMs: number;
  readonly heartbeatMs: number;
}

/** Shows a run as plain lines: for logs, cron and batch schedulers. */
export function plainLinesObserver({ write, everyMs, heartbeatMs }: PlainLinesOptions): Observer {
  const meters = new Map<string, ProgressMeter>();
  let lastProgress = '';
  let lastAt = 0;
  let current = '';
  let startedAt = 0;
  const say = (instance: string, text: string) => {
    lastAt = performance.now();
    write(`${instance.padEnd(NAME_WIDTH)} ${text}`);
  };
  const heartbeat = setInterval(() => {
    if (current !== '' && performance.now() - lastAt >= heartbeatMs)
      say(current, lastProgress || `working for ${formatDuration(performance.now() - startedAt)}`);
  }, heartbeatMs);
  heartbeat.unref();
  const onStageEvent = ({ instance, event }: Extract<RunEvent, { type: 'stage-event' }>) => {
    if (event.type === 'note') say(instance, event.message);
    if (event.type === 'warning') say(instance, `warning: ${event.message}`);
    if (event.type !== 'progress') return;
    current = instance;
    lastProgress = meters.get(instance)?.describe(event) ?? '';
    if (performance.now() - lastAt >= everyMs) say(instance, lastProgress);
  };
  const observe = (event: RunEvent): void => {
    switch (event.type) {
      case 'run-started':
        return;
      case 'waiting-for-lock':
        return write(event.message);
      case 'stage-started':
        meters.set(event.instance, startMeter());
        [current, lastProgress, startedAt] = [event.instance, '', performance.now()];
        return say(event.instance, `starts: ${event.because}`);
      case 'stage-event':
        return onStageEvent(event);
      case 'stage-fresh':
        return say(event.instance, 'fresh');
      case 'stage-finished':
        current = '';
        return say(event.instance, `done: ${describeResult(event.result, event.durationMs)}`);
      case 'stage-failed':
        current = '';
        return say(event.instance, `failed: ${event.failure.message.split('\n')[0]}`);
      case 'run-finished':
        return clearInterval(heartbeat);
      default:
        return event satisfies never;
    }
  };
  return { observe };
}

const NAME_WIDTH = 26;
