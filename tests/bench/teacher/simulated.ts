import { rm } from 'node:fs/promises';
import { skimModel } from '#stages/onnx/model-skim.ts';
import { type HeadOutputs, softLabelHead } from '#stages/onnx/surgery.ts';
import { askedFeed, askedRows } from '#stages/soft-label/head-feeds.ts';
import { fetchesOf } from '#stages/soft-label/head-results.ts';
import { keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import { teacherOf } from '#stages/soft-label/teacher.ts';
import { tokenTeacher } from '#tests/stages/onnx/logit-models.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
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
import {
  type IdleShares,
  idleShares,
  openDevice,
  type SimulatedDevice,
} from './simulated-device.ts';

const CLASSES = 30_522;

/**
 * What is left of a fast device: a thread that sleeps for padded tokens / rate, a row of top k for each
 * token. The ceiling is the same device with the same requests, made and queued before the clock starts; their
 * answers are thrown away. What the pipeline takes beyond the device's own time is told in parts: before its first
 * batch, between batches, behind the last.
 */
export async function simulated(
  { rows: texts }: BenchSample,
  rounds: number,
  cases: readonly { readonly rate: number; readonly topK: number; readonly aim: string }[],
): Promise<string[][]> {
  const rows = mixedRows(texts, 40_000).map(perToken);
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
    const batches = shards.flatMap((shard) => batchesOf(shard.rows, CLASSES, teacher.shape));
    const idle: IdleShares[] = [];
    const times = await takeTurns(
      {
        ceiling: () => timeCeiling(device, outputs, batches),
        pipeline: async () => {
          await rm(folder, { recursive: true, force: true });
          device.watch();
          const start = performance.now();
          const ms = await timeCapture(shards, teacher, { keep, classNames, perToken: true });
          idle.push(idleShares(device.watched(), start, start + ms));
          return ms;
        },
      },
      rounds,
    );
    await device.close();
    const [ceiling = 0, pipeline = 0] = ['ceiling', 'pipeline'].map(
      (way) => tokens / (median(times.get(way) ?? []) / 1000),
    );
    const thousands = (value: number) => `${(value / 1000).toFixed(0)} k`;
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
    // The first round warms up.
    const shares = (['start', 'between', 'tail'] as const).map((part) =>
      percent(median(idle.slice(1).map((one) => one[part]))),
    );
    const kept = percent(pipeline / ceiling);
    const numbers = [thousands(rate), `${topK}`, `${batches.length}`, thousands(ceiling)];
    lines.push([...numbers, thousands(pipeline), ...shares, kept, aim]);
  }
  return lines;
}

/** The requests of all batches, one after the other; tensors are made before the clock starts. Milliseconds. */
async function timeCeiling(
  device: SimulatedDevice,
  outputs: HeadOutputs,
  batches: ReturnType<typeof batchesOf>,
): Promise<number> {
  const fetches = fetchesOf(outputs, { probe: false, task: undefined });
  const requests = batches.map(({ members, length }) => {
    const dims = [members.length, length];
    const data = new BigInt64Array(members.length * length);
    const asked = askedFeed(outputs, askedRows(members, length));
    return { input_ids: { type: 'int64', data, dims }, ...asked } as const;
  });
  const start = performance.now();
  await Promise.all(requests.map((feeds) => device.run(feeds, fetches)));
  return performance.now() - start;
}
