import { evenly } from '#stages/numerics/evenly.ts';
import { quantile } from '#stages/numerics/metrics.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';
import { lengthBatches, tokenRow } from '#stages/onnx/token-batches.ts';
import type { TestRows } from './student-scores.ts';

/** How fast a model answers on one machine. */
export interface Speed {
  readonly rows: number;
  readonly latencyMsBatch1: { readonly p50: number; readonly p95: number };
  readonly rowsPerSecond: number;
}

export interface SpeedOptions {
  /** Rows of the batches that are timed after the single rows. */
  readonly batchSize?: number;
  readonly now?: () => number;
}

/**
 * Times `rowCount` real rows, evenly taken from the table: one by one in corpus order, then in
 * batches by length. The first calls are not counted: they allocate.
 */
export async function measureSpeed(
  classifier: Classifier,
  { tokens, features }: TestRows,
  rowCount: number,
  { batchSize = SPEED_BATCH, now = () => performance.now() }: SpeedOptions = {},
): Promise<Speed> {
  const rows = evenly(tokens.exampleIds.length, rowCount);
  const timed = async (batch: readonly number[]) => {
    const inputs = batch.map((row) => tokenRow(tokens, row, features));
    const start = now();
    await classifier.logits(inputs);
    return now() - start;
  };
  for (const row of rows.slice(0, WARM_UP_RUNS)) await timed([row]);
  const latencies: number[] = [];
  for (const row of rows) latencies.push(await timed([row]));
  latencies.sort((a, b) => a - b);
  let batchedMs = 0;
  for (const batch of lengthBatches(tokens, rows, batchSize, features))
    batchedMs += await timed(batch);
  return {
    rows: rows.length,
    latencyMsBatch1: { p50: quantile(latencies, 0.5), p95: quantile(latencies, 0.95) },
    rowsPerSecond: (rows.length / batchedMs) * 1000,
  };
}

const WARM_UP_RUNS = 3;
const SPEED_BATCH = 32;
