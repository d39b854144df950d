import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '#cache/failure.ts';
import { startWorker, type WorkerThread } from '#stages/worker-thread.ts';
import type { EchoRequest } from './echo.worker.ts';

test('requests are answered in order, buffers are given away, and the thread ends when asked', async () => {
  await withThread(async (thread) => {
    const values = Float32Array.of(1, 2, 3);
    const [first, second] = await Promise.all([
      thread.request({ say: values }, [values.buffer]),
      thread.request({ say: Float32Array.of(4) }),
    ]);
    assert.deepEqual([[...first], [...second]], [[1, 2, 3], [4]]);
    assert.equal(values.byteLength, 0);
  });
});

test('an expected failure keeps its kind, code and way out on its way between threads', async () => {
  await withThread(async (thread) => {
    await assert.rejects(
      thread.request({ fail: 'failure' }),
      (error) =>
        error instanceof Failure &&
        error.kind === 'model' &&
        error.code === 'E_TEST' &&
        error.message === 'it broke' &&
        error.fix === 'mend it',
    );
    assert.deepEqual([...(await thread.request({ say: Float32Array.of(5) }))], [5]);
  });
});

test('a system error keeps its code and path', async () => {
  await withThread(async (thread) => {
    const expected = { code: 'ENOSPC', path: '/full', message: 'no space' };
    await assert.rejects(thread.request({ fail: 'system' }), expected);
  });
});

test('requests to a thread that has ended are refused instead of waiting for ever', async () => {
  const thread = startEcho();
  await assert.rejects(thread.request({ fail: 'end' }));
  await thread.close();
  await assert.rejects(thread.request({ say: Float32Array.of(1) }), /has ended/);
});

type EchoThread = WorkerThread<EchoRequest, Float32Array>;

function startEcho(): EchoThread {
  return startWorker<EchoRequest, Float32Array>(new URL('./echo.worker.ts', import.meta.url));
}

async function withThread(use: (thread: EchoThread) => Promise<void>): Promise<void> {
  const thread = startEcho();
  try {
    await use(thread);
  } finally {
    await thread.close();
  }
}
