import { ownProgram } from '#cache/own-program.ts';
import { startWorker } from '#stages/worker-thread.ts';
import type { Census } from './census.ts';
import type { OnnxSession, SessionOptions, SessionTensor } from './session.ts';

/** What the thread is asked. */
export type SessionRequest =
  | { readonly type: 'open'; readonly model: string | Uint8Array; readonly options: SessionOptions }
  | {
      readonly type: 'run';
      readonly feeds: Tensors;
      readonly fetches: readonly string[] | undefined;
    }
  | { readonly type: 'census' };

/** What the thread answers. */
export type SessionReply =
  | {
      readonly type: 'opened';
      readonly description: Omit<OnnxSession, 'run' | 'census' | 'busy' | 'close'>;
    }
  | { readonly type: 'results'; readonly results: Tensors; readonly ms: number }
  | { readonly type: 'census'; readonly census: Census };

type Tensors = Readonly<Record<string, SessionTensor>>;

/**
 * A session in a thread of its own: ONNX Runtime blocks the thread it runs on, and here the caller
 * prepares the next batch meanwhile. Buffers of feeds are given away; runs queue up in order.
 */
export async function openThreadedSession(
  model: string | Uint8Array,
  options: SessionOptions,
): Promise<OnnxSession> {
  const thread = startWorker<SessionRequest, SessionReply>(
    ownProgram('./session.worker.ts', import.meta.url),
  );
  try {
    const opened = await thread.request({ type: 'open', model, options });
    if (opened.type !== 'opened') throw new UnexpectedReplyError(opened);
    let busy = { ms: 0, batches: 0 };
    return {
      ...opened.description,
      async run(feeds, fetches) {
        const reply = await thread.request({ type: 'run', feeds, fetches }, buffersOf(feeds));
        if (reply.type !== 'results') throw new UnexpectedReplyError(reply);
        busy = { ms: busy.ms + reply.ms, batches: busy.batches + 1 };
        return { ...reply.results };
      },
      busy: () => busy,
      async census() {
        const reply = await thread.request({ type: 'census' });
        if (reply.type !== 'census') throw new UnexpectedReplyError(reply);
        return reply.census;
      },
      close: () => thread.close(),
    };
  } catch (error) {
    await thread.close();
    throw error;
  }
}

class UnexpectedReplyError extends Error {
  constructor(reply: SessionReply) {
    super(`the session's thread answered ${reply.type}`);
  }
}

/** The memory behind tensors, each buffer once. */
export function buffersOf(tensors: Tensors): ArrayBuffer[] {
  const buffers = Object.values(tensors).flatMap((tensor) =>
    tensor.type === 'other' ? [] : [tensor.data.buffer],
  );
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}
