import type { OnnxSession } from '#stages/onnx/session.ts';
import type { SessionReply } from '#stages/onnx/threaded-session.ts';
import { buffersOf } from '#stages/onnx/threaded-session.ts';
import { startWorker } from '#stages/worker-thread.ts';
import type { DeviceRequest, TimedRun } from './device.worker.ts';

/** Shares of a whole in which a device did nothing. */
export interface IdleShares {
  /** Before its first batch. */
  readonly start: number;
  /** Between its batches, their way from thread to thread included. */
  readonly between: number;
  /** Behind its last one: the last shard is encoded and written. */
  readonly tail: number;
}

/** What a device has seen since `watch`. Milliseconds; times as `performance.now` has them. */
interface Watched {
  readonly first: number;
  readonly last: number;
  readonly busyMs: number;
}

/** Where a device stood idle between these two times, as `performance.now` has them. */
export function idleShares(
  { first, last, busyMs }: Watched,
  start: number,
  end: number,
): IdleShares {
  const whole = end - start;
  return {
    start: (first - start) / whole,
    between: (last - first - busyMs) / whole,
    tail: (end - last) / whole,
  };
}

/** A session that can be watched. */
export interface SimulatedDevice extends OnnxSession {
  watch(): void;
  watched(): Watched;
}

/** Starts a device in a thread of its own. */
export async function openDevice(device: DeviceRequest): Promise<SimulatedDevice> {
  const thread = startWorker<TimedRun | { type: 'device'; device: DeviceRequest }, SessionReply>(
    new URL('./device.worker.ts', import.meta.url),
  );
  await thread.request({ type: 'device', device });
  const shape = ['batch', 'sequence'];
  let busy = { ms: 0, batches: 0 };
  let seen: Watched = { first: Number.NaN, last: Number.NaN, busyMs: 0 };
  return {
    inputs: ['input_ids', 'attention_mask'].map((name) => ({ name, type: 'int64', shape })),
    outputs: [],
    provider: 'cpu',
    withoutCuda: undefined,
    runtimeVersion: 'simulated',
    async run(feeds, fetches) {
      const now = performance.now();
      const askedAt = performance.timeOrigin + now;
      const first = Number.isNaN(seen.first) ? now : seen.first;
      seen = { ...seen, first };
      const reply = await thread.request(
        { type: 'run', feeds, fetches, askedAt },
        buffersOf(feeds),
      );
      if (reply.type !== 'results') throw new Error(reply.type);
      busy = { ms: busy.ms + reply.ms, batches: busy.batches + 1 };
      seen = { ...seen, last: performance.now(), busyMs: seen.busyMs + reply.ms };
      return { ...reply.results };
    },
    busy: () => busy,
    watch: () => {
      seen = { first: Number.NaN, last: Number.NaN, busyMs: 0 };
    },
    watched: () => seen,
    census: () => Promise.reject(new Error('a simulated device has no nodes')),
    close: () => thread.close(),
  };
}
