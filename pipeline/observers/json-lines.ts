import type { Observer } from '#pipeline/events.ts';

/** Every event as one line of JSON: for log collectors. */
export function jsonLinesObserver(write: (line: string) => void): Observer {
  return {
    observe: (event) => write(JSON.stringify({ at: new Date().toISOString(), ...event })),
  };
}
