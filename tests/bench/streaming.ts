// What the loader of a training holds and how long its steps wait for rows, over a cache that is streamed:
// npm run bench:streaming -- [rows] [tokens a row] [k] [milliseconds a step] [memoryLimitMb]
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSoftLabels, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { closeTokens, readTokensWithin, writeTokens } from '#datasets/tokens/tokens.ts';
import { trainingFeeds } from '#stages/train-student/batches/batch-feeds.ts';
import { trainingBatches } from '#stages/train-student/batches/batches.ts';
import { tokenLengths } from '#stages/train-student/batches/token-rows.ts';
import { targetsOfCache } from '#stages/train-student/targets/target-source.ts';
import { openTransferSet } from '#stages/train-student/transfer-set.ts';
import { cacheData } from './cache/data.ts';

const [job, place] = process.argv.slice(2);
const isWriter = job === 'write';
const numbers = process.argv.slice(isWriter ? 4 : 2).map(Number);
const [rows = 200_000, tokensPerRow = 64, topK = 64, stepMs = 24, limitMb = 0] = numbers;
const folder = isWriter ? (place ?? '') : mkdtempSync(join(tmpdir(), 'decant-streaming-'));
const [shards, tokens, spill] = [
  join(folder, 'rows'),
  join(folder, 'tokens'),
  join(folder, 'spill'),
];
const say = (text: string) => void process.stdout.write(`${text}\n`);
async function measured(): Promise<void> {
  try {
    for (const path of [shards, tokens, spill]) mkdirSync(path);
    // In a process of its own, so that what is measured is not what writing left behind.
    const again = [
      ...process.execArgv,
      import.meta.filename,
      'write',
      folder,
      ...numbers.map(String),
    ];
    execFileSync(process.execPath, again, { stdio: 'inherit' });
    say(
      `${rows} rows of ${tokensPerRow} tokens, k = ${topK}: ${mb(await sizeOf(folder))} on disk,`,
    );
    say(`${mb(rows * (4 * tokensPerRow + 8 * topK))} as numbers; memoryLimitMb ${limitMb}`);
    await measure();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(): Promise<void> {
  const limitBytes = limitMb * 2 ** 20;
  const table = await readTokensWithin(tokens, { limitBytes, spill });
  const softLabels = await openSoftLabels(shards);
  const set = await openTransferSet({
    tokens: table,
    gold: new Map(),
    softTargets: await targetsOfCache(softLabels, 2),
    memoryLimitBytes: limitBytes,
  });
  const longest = Math.max(...new Set(tokenLengths(table)));
  const order = { buckets: [longest], batchSize: 32, seed: 1, shuffleWindow: 32_768 };
  const soft = { type: 'top-k', width: topK } as const;
  const layout = { batchSize: 32, padTokenId: 0, dropout: false, soft, goldPerRow: 0 };
  const scalars = {
    temperature: 2,
    softLossWeight: 1,
    hardLossWeight: 0,
    dropoutSeed: [0, 0],
  } as const;
  const batches = trainingBatches(set, order, 0);
  const steps = Math.ceil((2 * rows) / order.batchSize);
  let [waited, fed, worst, started] = [0, 0, 0, performance.now()];
  for (let step = 1; step <= steps; step++) {
    const asked = performance.now();
    const { value: batch } = await batches.next();
    const wait = performance.now() - asked;
    trainingFeeds(batch, layout, scalars);
    fed += performance.now() - asked - wait;
    waited += wait;
    worst = Math.max(worst, wait);
    // As a native step does: this thread stands still, those of codecs and disk go on.
    Atomics.wait(NOTHING, 0, 0, stepMs);
    if (step % Math.ceil(steps / 8) !== 0 && step !== steps) continue;
    const total = performance.now() - started;
    const { rss, arrayBuffers, heapUsed } = process.memoryUsage();
    say(
      `step ${step}: waits ${((100 * waited) / total).toFixed(2)} % (longest ${worst.toFixed(0)} ms), feeds ${((100 * fed) / total).toFixed(2)} %, ${mb(rss)} held (arrays ${mb(arrayBuffers)}, objects ${mb(heapUsed)})`,
    );
    [waited, fed, worst, started] = [0, 0, 0, performance.now()];
  }
  await softLabels.close();
  closeTokens(table);
}

async function writeCorpus(): Promise<void> {
  const ids: string[] = [];
  for (let from = 0; from < rows; from += SHARD_ROWS) {
    const rowCount = Math.min(SHARD_ROWS, rows - from);
    const shape = {
      name: `part-${from}`,
      rowCount,
      topK,
      classCount: 30_000,
      temperatures: [1, 2],
    };
    const data = cacheData(shape);
    const exampleIds = data.rows.exampleIds.map((_, row) =>
      (from + row).toString(16).padStart(32, '0'),
    );
    const name = `part-${String(from / SHARD_ROWS).padStart(5, '0')}.parquet`;
    await writeSoftLabelShard(join(shards, name), { ...data.rows, exampleIds }, data.meta);
    ids.push(...exampleIds);
  }
  await writeTokens(tokens, {
    exampleIds: ids,
    offsets: Int32Array.from({ length: rows + 1 }, (_, row) => row * tokensPerRow),
    tokenIds: Int32Array.from(
      { length: rows * tokensPerRow },
      (_, place) => (place * 7919) % 30_000,
    ),
    typeIds: null,
    truncated: new Uint8Array(rows),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: tokensPerRow,
  });
}

async function sizeOf(path: string): Promise<number> {
  const names = await readdir(path, { recursive: true });
  return names.reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

const NOTHING = new Int32Array(new SharedArrayBuffer(4));
const SHARD_ROWS = 2048;

if (isWriter) await writeCorpus();
else await measured();
