import type { Observer, RunEvent } from '#pipeline/events.ts';

export interface RateLimits {
  /** Warnings of a stage that are passed on one by one. */
  readonly burst: number;
  /** Least time between two summaries of those that come after them. */
  readonly everyMs: number;
  readonly now?: () => number;
}

/**
 * Keeps a screen or a log file from drowning: the first warnings of a stage are passed on, the ones
 * after them are counted and told together, also when the stage ends. run.jsonl has each of them.
 */
export function rateLimited(inner: Observer, limits: RateLimits): Observer {
  const { burst, everyMs, now = () => performance.now() } = limits;
  let seen = 0;
  let held = 0;
  let last = '';
  let toldAt = Number.NEGATIVE_INFINITY;
  const tell = (instance: string): void => {
    if (held === 0) return;
    const message = `${held.toLocaleString('en-US')} more warnings (all in run.jsonl), the last: ${last}`;
    inner.observe({ type: 'stage-event', instance, event: { type: 'warning', message } });
    [held, toldAt] = [0, now()];
  };
  const observe = (event: RunEvent): void => {
    if (event.type === 'stage-started') [seen, held, toldAt] = [0, 0, now()];
    if (event.type === 'stage-finished' || event.type === 'stage-failed') tell(event.instance);
    if (event.type !== 'stage-event' || event.event.type !== 'warning') return inner.observe(event);
    if (++seen <= burst) return inner.observe(event);
    [held, last] = [held + 1, event.event.message];
    if (now() - toldAt >= everyMs) tell(event.instance);
  };
  return inner.close === undefined ? { observe } : { observe, close: () => closed(inner) };
}

async function closed(inner: Observer): Promise<void> {
  await inner.close?.();
}
