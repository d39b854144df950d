import type { SessionTensor } from '#stages/onnx/session.ts';
import {
  buffersOf,
  type SessionReply,
  type SessionRequest,
} from '#stages/onnx/threaded-session.ts';
import { serveRequests } from '#stages/worker-thread.ts';

/** A device that takes time for padded tokens and nothing else: it sleeps, and its answers are arbitrary. */
export interface DeviceRequest {
  readonly tokensPerSecond: number;
  readonly topK: number;
  readonly classCount: number;
}

/** Work for it, and since when it waits, in ms since the epoch. */
export type TimedRun = Extract<SessionRequest, { readonly type: 'run' }> & {
  readonly askedAt: number;
};

let device: DeviceRequest | undefined;
/** When the device had done the batch before, and how much later its thread woke up. */
let before = { due: 0, lateMs: 0 };
const clock = new Int32Array(new SharedArrayBuffer(4));

serveRequests<TimedRun | { readonly type: 'device'; readonly device: DeviceRequest }, SessionReply>(
  {
    async reply(request) {
      if (request.type === 'device') {
        device = request.device;
        return { type: 'results', results: {}, ms: 0 };
      }
      const known = device;
      if (known === undefined) throw new Error('no device');
      const { dims = [] } = request.feeds['input_ids'] ?? {};
      const [rows = 0, length = 0] = dims;
      // A sleep ends late where both cores are busy, and a device does not: what waited for it began when it was free.
      const isQueued = request.askedAt <= before.due;
      const started = now() - (isQueued ? before.lateMs : 0);
      const answers = request.feeds['decant/asked']?.dims[0] ?? rows;
      const results = Object.fromEntries(
        (request.fetches ?? []).map((name) => [
          name,
          answerOf(name, answers, [rows, length], known),
        ]),
      );
      const due = started + ((rows * length) / known.tokensPerSecond) * 1000;
      Atomics.wait(clock, 0, 0, Math.max(0, due - now()));
      before = { due, lateMs: Math.max(0, now() - due) };
      return { type: 'results', results, ms: due - started };
    },
    transfer: (reply) => (reply.type === 'results' ? buffersOf(reply.results) : []),
  },
);

function now(): number {
  return performance.timeOrigin + performance.now();
}

function answerOf(
  name: string,
  answers: number,
  shape: readonly number[],
  { topK, classCount }: DeviceRequest,
): SessionTensor {
  if (name.endsWith('logits_shape')) {
    const dims = [...shape, classCount].map(BigInt);
    return { type: 'int64', data: BigInt64Array.from(dims), dims: [dims.length] };
  }
  const width = name.includes('top_') ? topK : name.endsWith('logits') ? classCount : 1;
  const dims = [answers, width];
  if (name.endsWith('top_ids')) {
    const data = new Int32Array(answers * width);
    for (let at = 0; at < data.length; at++) data[at] = (at * 7919) % classCount;
    return { type: 'int32', data, dims };
  }
  const data = new Float32Array(answers * width);
  for (let at = 0; at < data.length; at++) data[at] = ((at * 104_729) % 65_537) / 4096;
  return { type: 'float32', data, dims };
}
