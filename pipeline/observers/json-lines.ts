import type { Observer, RunEvent } from '#pipeline/events.ts';

export interface JsonLinesOptions {
  readonly write: (line: string) => void;
  /** Least time between two progress lines, and most time without any line, in milliseconds. */
  readonly everyMs: number;
  readonly heartbeatMs: number;
}

/**
 * Every event as one line of JSON, for log collectors: progress now and then, and a `heartbeat` where
 * nothing else is said, so that silence means stuck.
 */
export function jsonLinesObserver({ write, everyMs, heartbeatMs }: JsonLinesOptions): Observer {
  let current: string | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  let progressAt = Number.NEGATIVE_INFINITY;
  const say = (line: object) => {
    lastAt = performance.now();
    write(JSON.stringify({ at: new Date().toISOString(), ...line }));
  };
  const heartbeat = setInterval(() => {
    if (current !== undefined && performance.now() - lastAt >= heartbeatMs) {
      say({ type: 'heartbeat', instance: current });
    }
  }, heartbeatMs);
  heartbeat.unref();
  const observe = (event: RunEvent): void => {
    if (event.type === 'stage-started') current = event.instance;
    if (event.type === 'stage-finished' || event.type === 'stage-failed') current = undefined;
    if (event.type === 'run-finished') clearInterval(heartbeat);
    if (event.type === 'stage-event' && event.event.type === 'progress') {
      if (performance.now() - progressAt < everyMs) return;
      progressAt = performance.now();
    }
    say(event);
  };
  return { observe };
}
