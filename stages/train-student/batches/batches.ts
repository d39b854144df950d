import { readAhead } from '#datasets/read-ahead.ts';
import { randomFor, shuffle } from '#stages/numerics/random.ts';
import type { EpochRows, TransferRow, TransferSet } from '#stages/train-student/transfer-set.ts';
import { bucketIndexOf } from './buckets.ts';

/** Rows of about equal length. Fewer than `batchSize` only in the last batch of an epoch. */
export interface Batch {
  /** The sequence length that its rows are padded to. */
  readonly bucket: number;
  readonly rows: readonly TransferRow[];
  /** Place of the head that it is for, where a student has several. */
  readonly head?: number;
}

/** How an epoch is put in order. All of it decides the bytes of the student. */
export interface BatchOrder {
  readonly buckets: readonly number[];
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffleWindow: number;
}

/** Endless batches from `firstStep` on, epoch after epoch: the step alone tells where the loader stands. */
export async function* trainingBatches(
  set: TransferSet,
  order: BatchOrder,
  firstStep: number,
): AsyncGenerator<Batch, never, void> {
  let { epoch, skip } = placeOf(set, order, firstStep);
  for (; ; epoch++) {
    for await (const batch of epochBatches(set.ofEpoch?.(epoch) ?? set, order, epoch)) {
      if (skip > 0) skip -= 1;
      else yield batch;
    }
  }
}

/** The epoch of a step and its place there. */
function placeOf(
  set: TransferSet,
  order: BatchOrder,
  step: number,
): { epoch: number; skip: number } {
  const { ofEpoch } = set;
  if (ofEpoch === undefined) {
    const perEpoch = batchesPerEpoch(set.lengths, order);
    return { epoch: Math.floor(step / perEpoch), skip: step % perEpoch };
  }
  let skip = step;
  for (let epoch = 0; ; epoch++) {
    const count = batchesPerEpoch(ofEpoch(epoch).lengths, order);
    if (skip < count) return { epoch, skip };
    skip -= count;
  }
}

/** Every row of the epoch once, in an order that depends on the seed and the epoch only. */
export async function* epochBatches(
  set: EpochRows,
  order: BatchOrder,
  epoch: number,
): AsyncGenerator<Batch, void, void> {
  const { buckets, batchSize, shuffleWindow } = order;
  const random = randomFor(order.seed, `shuffle:${epoch}`);
  const waiting: TransferRow[][] = buckets.map(() => []);
  const held: TransferRow[] = [];
  const shards = shuffle(Array(set.shardCount).keys(), random);
  // The next shard is read while batches of this one are used.
  for await (const rows of readAhead(shards, (shard) => set.readShard(shard))) {
    yield* fullBatches(drawn(rows, held, shuffleWindow, random), waiting, order);
  }
  yield* fullBatches(shuffle(held, random), waiting, order);
  for (const { index, rows } of leftovers(waiting, batchSize)) {
    yield { bucket: buckets[index] ?? 0, rows };
  }
}

/** Sorts rows into their buckets, and gives out each bucket that is full. */
function* fullBatches(
  rows: Iterable<TransferRow>,
  waiting: TransferRow[][],
  { buckets, batchSize }: BatchOrder,
): Generator<Batch, void, void> {
  for (const row of rows) {
    const index = bucketIndexOf(row.tokenIds.length, buckets);
    const filling = waiting[index] ?? [];
    filling.push(row);
    if (filling.length < batchSize) continue;
    yield { bucket: buckets[index] ?? 0, rows: filling };
    waiting[index] = [];
  }
}

/** Batches of an epoch with rows of these lengths, whatever their order. */
export function batchesPerEpoch(lengths: readonly number[], order: BatchOrder): number {
  const counts = order.buckets.map(() => 0);
  for (const length of lengths) {
    const index = bucketIndexOf(length, order.buckets);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const full = counts.reduce((sum, count) => sum + Math.floor(count / order.batchSize), 0);
  const rest = counts.map((count) => Array.from({ length: count % order.batchSize }, () => null));
  return full + [...leftovers(rest, order.batchSize)].length;
}

/**
 * What is left in the buckets at the end of an epoch: it moves up to the next longer bucket that has
 * leftovers too, so that at most one batch of the epoch is partial.
 */
function* leftovers<Row>(
  waiting: readonly (readonly Row[])[],
  batchSize: number,
): Generator<{ index: number; rows: Row[] }> {
  const last = waiting.findLastIndex((rows) => rows.length > 0);
  let carried: Row[] = [];
  for (const [index, rows] of waiting.slice(0, last + 1).entries()) {
    if (rows.length === 0) continue;
    carried = [...carried, ...rows];
    while (carried.length >= batchSize || (index === last && carried.length > 0)) {
      yield { index, rows: carried.slice(0, batchSize) };
      carried = carried.slice(batchSize);
    }
  }
}

/** Each row takes the place of one drawn at random from those that are held, which goes on. */
function* drawn(
  rows: Iterable<TransferRow>,
  held: TransferRow[],
  shuffleWindow: number,
  random: () => number,
): Generator<TransferRow, void, void> {
  for (const row of rows) {
    if (held.length < shuffleWindow) {
      held.push(row);
      continue;
    }
    const place = Math.floor(random() * shuffleWindow);
    const next = held[place];
    held[place] = row;
    if (next !== undefined) yield next;
  }
}
