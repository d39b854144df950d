import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  openSoftLabels,
  takeRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { trainingFeeds } from '#stages/train-student/batches/batch-feeds.ts';
import { epochBatches } from '#stages/train-student/batches/batches.ts';
import { targetsOfCache } from '#stages/train-student/targets/target-source.ts';
import { openTransferSet, type TransferSet } from '#stages/train-student/transfer-set.ts';
import { type CacheData, type CacheShape, cacheData } from './data.ts';
import { race, timed } from './measure.ts';

/** Rows a millisecond that the student's loader joins, shuffles and batches. */
export interface LoaderSpeed {
  readonly name: string;
  readonly wall: number;
  readonly cpu: number;
}

/** Epochs of the student's loader over shards on disk, over rows kept in memory, and with feeds made. */
export async function loaderSpeeds(
  folder: string,
  shape: CacheShape,
  tokensPerRow: number,
  rounds: number,
): Promise<LoaderSpeed[]> {
  const shards = join(folder, `loader-${shape.name}`);
  const data = cacheData(shape);
  await writeShards(shards, data);
  const softLabels = await openSoftLabels(shards);
  const softTargets = await targetsOfCache(softLabels, 2);
  const open = (memoryLimitBytes: number) =>
    openTransferSet({
      tokens: tokensOf(data, tokensPerRow),
      gold: new Map(),
      softTargets,
      memoryLimitBytes,
    });
  const [streamed, kept] = [await open(0), await open(Number.POSITIVE_INFINITY)];
  const contenders = [
    { name: 'streamed from disk', run: () => timed(() => epoch(streamed)) },
    { name: 'kept in memory', run: () => timed(() => epoch(kept)) },
    { name: 'streamed, feeds of each batch made', run: () => timed(() => epoch(streamed, shape)) },
  ];
  const samples = await race(contenders, rounds);
  await softLabels.close();
  return [...samples].map(([name, { wallMs, cpuMs }]) => ({
    name,
    wall: shape.rowCount / wallMs,
    cpu: shape.rowCount / cpuMs,
  }));
}

async function writeShards(folder: string, { rows, meta }: CacheData): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let from = 0, shard = 0; from < rows.rowCount; from += ROWS_PER_SHARD, shard++) {
    const length = Math.min(ROWS_PER_SHARD, rows.rowCount - from);
    const part = takeRows(
      rows,
      Array.from({ length }, (_, row) => from + row),
    );
    const name = `part-${String(shard).padStart(5, '0')}.parquet`;
    await writeSoftLabelShard(join(folder, name), part, meta);
  }
}

function tokensOf({ rows }: CacheData, tokensPerRow: number) {
  const { rowCount, exampleIds } = rows;
  return {
    exampleIds,
    offsets: Int32Array.from({ length: rowCount + 1 }, (_, row) => row * tokensPerRow),
    tokenIds: new Int32Array(rowCount * tokensPerRow).fill(7),
    typeIds: null,
    truncated: new Uint8Array(rowCount),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: tokensPerRow,
  };
}

async function epoch(set: TransferSet, feedsOf?: CacheShape): Promise<void> {
  let rows = 0;
  for await (const batch of epochBatches(set, ORDER, 0)) {
    rows += batch.rows.length;
    if (feedsOf === undefined) continue;
    const soft = { type: 'top-k', width: feedsOf.topK ?? 0 } as const;
    const layout = { batchSize: 32, padTokenId: 0, dropout: false, soft, goldPerRow: 0 };
    trainingFeeds(batch, layout, SCALARS);
  }
  if (rows !== set.rowCount) throw new Error(`${rows} of ${set.rowCount} rows`);
}

const ORDER = { buckets: [16, 32], batchSize: 32, seed: 1, shuffleWindow: 8192 };
const SCALARS = {
  temperature: 2,
  softLossWeight: 1,
  hardLossWeight: 0,
  dropoutSeed: [0, 0],
} as const;

const ROWS_PER_SHARD = 10_000;
