// Writes and reads so many rows, shard by shard, and prints the peak memory of doing so, in bytes.
// Usage: node --import ./cache/loader/register.mjs tests/bench/cache-peak-memory.ts ROWS
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSoftLabels, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { cacheData } from './cache/data.ts';

const ROWS_PER_SHARD = 100_000;
const wanted = Number(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'decant-stream-'));
try {
  const shape = { name: 'stream', rowCount: ROWS_PER_SHARD, topK: 10, classCount: 77 };
  const { rows, meta } = cacheData(shape);
  for (let shard = 0; shard * ROWS_PER_SHARD < wanted; shard++) {
    const name = `part-${String(shard).padStart(5, '0')}.parquet`;
    await writeSoftLabelShard(join(folder, name), rows, meta);
  }
  const reader = await openSoftLabels(folder);
  let read = 0;
  for await (const batch of reader.recordBatches()) read += batch.numRows;
  await reader.close();
  if (read !== wanted) throw new Error(`${read} of ${wanted} rows`);
  console.log(JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1024 }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
