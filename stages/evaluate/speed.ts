import { evenly } from '#stages/numerics/evenly.ts';
import { quantile } from '#stages/numerics/metrics.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';
import { lengthBatches, tokenRow } from '#stages/onnx/token-batches.ts';
import type { TestRows } from './student-scores.ts';

/** How fast a model answers on one machine. */
export interface Speed {
  /** Rows that were timed one by one. */
  readonly rows: number;
  readonly latencyMsBatch1: Latency;
  readonly latencyMsBatched: Latency & { readonly rows: number };
  /** In these batches. */
  readonly rowsPerSecond: number;
}

/** In milliseconds. */
interface Latency {
  readonly p50: number;
  readonly p95: number;
}

export interface SpeedOptions {
  /** Rows of the batches that are timed after the single rows. */
  readonly batchSize?: number;
  readonly now?: () => number;
}

/**
 * Times `rowCount` real rows, evenly taken from the table, one by one in corpus order; then 20 batches of rows of
 * like length, where the table has fewer rows the same ones again, and of a slow model only as many as take 5 s, but 5.
 * The first calls at either size are not counted: they allocate.
 */
export async function measureSpeed(
  classifier: Classifier,
  { tokens, features }: TestRows,
  rowCount: number,
  { batchSize = SPEED_BATCH, now = () => performance.now() }: SpeedOptions = {},
): Promise<Speed> {
  const timed = async (batch: readonly number[]) => {
    const inputs = batch.map((row) => tokenRow(tokens, row, features));
    const start = now();
    await classifier.logits(inputs);
    return now() - start;
  };
  /** Returns what the last batch took: the longest rows, which the first ones did not meet. */
  const warmUp = async (batches: readonly (readonly number[])[]) => {
    let lastMs = 0;
    for (const batch of [...batches.slice(0, WARM_UP_RUNS), ...batches.slice(-1)]) {
      lastMs = await timed(batch);
    }
    return lastMs;
  };
  const all = async (batches: readonly (readonly number[])[]) => {
    const took: number[] = [];
    for (const batch of batches) took.push(await timed(batch));
    return took;
  };
  const total = tokens.exampleIds.length;
  const singles = evenly(total, rowCount);
  const rowByRow = singles.map((row) => [row]);
  await warmUp(rowByRow);
  const latencies = await all(rowByRow);
  const groups = lengthBatches(tokens, evenly(total, BATCHES * batchSize), batchSize, features);
  const some = evenly(groups.length, BATCHES).map((at) => filled(groups[at] ?? [], batchSize));
  const batches = filled(some, BATCHES);
  const longestMs = await warmUp(batches);
  const affordable = Math.max(LEAST_BATCHES, Math.floor(BATCHES_MS / longestMs));
  const batched = await all(evenly(BATCHES, affordable).map((at) => batches[at] ?? []));
  const batchedMs = batched.reduce((sum, ms) => sum + ms, 0);
  return {
    rows: singles.length,
    latencyMsBatch1: latencyOf(latencies),
    latencyMsBatched: { rows: batchSize, ...latencyOf(batched) },
    rowsPerSecond: ((batched.length * batchSize) / batchedMs) * 1000,
  };
}

/** As many as asked for, from the first on again where there are fewer. */
function filled<Item>(items: readonly Item[], count: number): Item[] {
  return Array.from({ length: Math.ceil(count / items.length) }, () => items)
    .flat()
    .slice(0, count);
}

function latencyOf(took: readonly number[]): Latency {
  const ascending = took.toSorted((a, b) => a - b);
  return { p50: quantile(ascending, 0.5), p95: quantile(ascending, 0.95) };
}

const WARM_UP_RUNS = 3;
const SPEED_BATCH = 32;
const BATCHES = 20;
const LEAST_BATCHES = 5;
const BATCHES_MS = 5000;
