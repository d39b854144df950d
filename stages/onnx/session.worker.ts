import { serveRequests } from '#stages/worker-thread.ts';
import { type OnnxSession, openSession } from './session.ts';
import { buffersOf, type SessionReply, type SessionRequest } from './threaded-session.ts';

let session: OnnxSession | undefined;

serveRequests<SessionRequest, SessionReply>({
  async reply(request) {
    if (request.type === 'open') {
      session = await openSession(request.model, request.options);
      const { inputs, outputs, provider, withoutCuda, runtimeVersion } = session;
      return {
        type: 'opened',
        description: { inputs, outputs, provider, withoutCuda, runtimeVersion },
      };
    }
    if (session === undefined) throw new Error('no session was opened');
    if (request.type === 'census') return { type: 'census', census: await session.census() };
    const start = performance.now();
    const results = await session.run(request.feeds, request.fetches);
    return { type: 'results', results, ms: performance.now() - start };
  },
  transfer: (reply) => (reply.type === 'results' ? buffersOf(reply.results) : []),
  close: async () => session?.close(),
});
