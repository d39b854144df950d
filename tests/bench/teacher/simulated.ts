import { rm } from 'node:fs/promises';
import { skimModel } from '#stages/onnx/model-skim.ts';
import type { OnnxSession } from '#stages/onnx/session.ts';
import { softLabelHead } from '#stages/onnx/surgery.ts';
import type { SessionReply } from '#stages/onnx/threaded-session.ts';
import { buffersOf } from '#stages/onnx/threaded-session.ts';
import { askedFeed, askedRows } from '#stages/soft-label/head-feeds.ts';
import { fetchesOf } from '#stages/soft-label/head-results.ts';
import { keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import { teacherOf } from '#stages/soft-label/teacher.ts';
import { startWorker } from '#stages/worker-thread.ts';
import { tokenTeacher } from '#tests/stages/onnx/logit-models.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import type { DeviceRequest } from './device.worker.ts';
import {
  type BenchSample,
  batchesOf,
  median,
  mixedRows,
  perToken,
  shardsOf,
  sum,
  takeTurns,
  timeCapture,
} from './rows.ts';

const CLASSES = 30_522;

/**
 * What is left of a fast device: a thread that sleeps for padded tokens / rate, a row of top k for each
 * token. The ceiling is the same device with the same requests queued, their answers thrown away.
 */
export async function simulated(
  { corpus }: BenchSample,
  rounds: number,
  cases: readonly { readonly rate: number; readonly topK: number; readonly aim: string }[],
): Promise<string[][]> {
  const rows = mixedRows(corpus.rows.train, 40_000).map(perToken);
  const folder = temporaryFolder();
  const shards = shardsOf(rows, folder);
  const tokens = sum(rows.map((row) => row.tokenIds.length));
  const classNames = Array.from({ length: CLASSES }, (_, id) => `${id}`);
  const lines: string[][] = [];
  for (const { rate, topK, aim } of cases) {
    const keep = keepOf(softLabelConfig.parse({ topK, temperatures: [1] }), CLASSES);
    const device = await openDevice({ tokensPerSecond: rate, topK, classCount: CLASSES });
    const model = tokenTeacher(new Float32Array(CLASSES), CLASSES);
    const { outputs } = softLabelHead(skimModel(model), { ...keep, perToken: true });
    const teacher = teacherOf(device, outputs, { keep, padTokenId: 0 });
    const fetches = fetchesOf(outputs, { probe: false, task: undefined });
    const times = await takeTurns(
      {
        ceiling: async () => {
          const start = performance.now();
          await Promise.all(
            shards
              .flatMap((shard) => batchesOf(shard.rows, CLASSES, teacher.shape))
              .map(({ members, length }) => {
                const dims = [members.length, length];
                const data = new BigInt64Array(members.length * length);
                const asked = askedFeed(outputs, askedRows(members, length));
                return device.run({ input_ids: { type: 'int64', data, dims }, ...asked }, fetches);
              }),
          );
          return performance.now() - start;
        },
        pipeline: async () => {
          await rm(folder, { recursive: true, force: true });
          return timeCapture(shards, teacher, { keep, classNames, perToken: true });
        },
      },
      rounds,
    );
    await device.close();
    const [ceiling = 0, pipeline = 0] = ['ceiling', 'pipeline'].map(
      (way) => tokens / (median(times.get(way) ?? []) / 1000),
    );
    const thousands = (value: number) => `${(value / 1000).toFixed(0)} k`;
    const share = `${((pipeline / ceiling) * 100).toFixed(1)} %`;
    lines.push([thousands(rate), `${topK}`, thousands(ceiling), thousands(pipeline), share, aim]);
  }
  return lines;
}

async function openDevice(device: DeviceRequest): Promise<OnnxSession> {
  const thread = startWorker<object, SessionReply>(new URL('./device.worker.ts', import.meta.url));
  await thread.request({ type: 'device', device });
  const shape = ['batch', 'sequence'];
  let busy = { ms: 0, batches: 0 };
  return {
    inputs: ['input_ids', 'attention_mask'].map((name) => ({ name, type: 'int64', shape })),
    outputs: [],
    provider: 'cpu',
    withoutCuda: undefined,
    runtimeVersion: 'simulated',
    async run(feeds, fetches) {
      const reply = await thread.request({ type: 'run', feeds, fetches }, buffersOf(feeds));
      if (reply.type !== 'results') throw new Error(reply.type);
      busy = { ms: busy.ms + reply.ms, batches: busy.batches + 1 };
      return { ...reply.results };
    },
    busy: () => busy,
    census: () => Promise.reject(new Error('a simulated device has no nodes')),
    close: () => thread.close(),
  };
}
