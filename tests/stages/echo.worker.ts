import { Failure } from '#cache/failure.ts';
import { serveRequests } from '#stages/worker-thread.ts';

/** What the test's thread is asked. */
export type EchoRequest =
  | { readonly say: Float32Array }
  | { readonly fail: 'failure' | 'system' | 'end' };

serveRequests<EchoRequest, Float32Array>({
  async reply(request) {
    if ('say' in request) return request.say;
    if (request.fail === 'failure') throw new Failure('model', 'E_TEST', 'it broke', 'mend it');
    if (request.fail === 'end') setImmediate(() => process.exit());
    throw Object.assign(new Error('no space'), { code: 'ENOSPC', path: '/full' });
  },
  transfer: (reply) => (reply.buffer instanceof ArrayBuffer ? [reply.buffer] : []),
});
