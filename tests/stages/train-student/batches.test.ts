import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Batch,
  type BatchOrder,
  batchesPerEpoch,
  epochBatches,
  trainingBatches,
} from '#stages/train-student/batches/batches.ts';
import type { TransferRow, TransferSet } from '#stages/train-student/transfer-set.ts';

const buckets = [8, 16, 32];

const corpora = fc.record({
  shards: fc.array(fc.array(fc.integer({ min: 1, max: 32 }), { maxLength: 40 }), {
    minLength: 1,
    maxLength: 4,
  }),
  batchSize: fc.integer({ min: 1, max: 9 }),
  shuffleWindow: fc.integer({ min: 1, max: 50 }),
  seed: fc.nat(),
});

test('property: every row stands in exactly one batch of an epoch, in a bucket that holds it', async () => {
  await fc.assert(
    fc.asyncProperty(corpora, fc.nat(5), async ({ shards, ...order }, epoch) => {
      const set = transferSetOf(shards);
      const batches = await collect(epochBatches(set, { ...order, buckets }, epoch));
      const seen = batches.flatMap(({ rows }) => rows.map(({ exampleId }) => exampleId));
      assert.deepEqual(
        seen.sort(),
        shards.flatMap((shard, i) => shard.map((_, j) => `${i}.${j}`)).sort(),
      );
      for (const { bucket, rows } of batches) {
        assert.ok(rows.every(({ tokenIds }) => tokenIds.length <= bucket));
      }
    }),
  );
});

test('property: only the last batch of an epoch may be partial', async () => {
  await fc.assert(
    fc.asyncProperty(corpora, async ({ shards, ...order }) => {
      const batches = await collect(epochBatches(transferSetOf(shards), { ...order, buckets }, 0));
      assert.ok(batches.slice(0, -1).every(({ rows }) => rows.length === order.batchSize));
      assert.ok(batches.every(({ rows }) => rows.length > 0));
    }),
  );
});

test('property: the number of batches follows from the lengths alone', async () => {
  await fc.assert(
    fc.asyncProperty(corpora, fc.nat(5), async ({ shards, ...order }, epoch) => {
      const set = transferSetOf(shards);
      const batches = await collect(epochBatches(set, { ...order, buckets }, epoch));
      assert.equal(batchesPerEpoch(set.lengths, { ...order, buckets }), batches.length);
    }),
  );
});

test('property: a loader that starts at a step gives what an earlier one would have given there', async () => {
  const filled = corpora.filter(({ shards }) => shards.some((shard) => shard.length > 0));
  await fc.assert(
    fc.asyncProperty(filled, fc.nat(30), async ({ shards, ...order }, step) => {
      const set = transferSetOf(shards);
      const undisturbed = await take(trainingBatches(set, { ...order, buckets }, 0), step + 3);
      const resumed = await take(trainingBatches(set, { ...order, buckets }, step), 3);
      assert.deepEqual(resumed, undisturbed.slice(step));
    }),
  );
});

test('epochs and seeds differ in order', async () => {
  const set = transferSetOf([Array.from({ length: 100 }, () => 5)]);
  const order: BatchOrder = { buckets, batchSize: 10, seed: 1, shuffleWindow: 1000 };
  const first = await collect(epochBatches(set, order, 0));
  assert.deepEqual(await collect(epochBatches(set, order, 0)), first);
  assert.notDeepEqual(await collect(epochBatches(set, order, 1)), first);
  assert.notDeepEqual(await collect(epochBatches(set, { ...order, seed: 2 }, 0)), first);
});

test('leftovers of short buckets move up instead of making batches of their own', async () => {
  const set = transferSetOf([[3, 3, 3, 12, 12, 30]]);
  const order: BatchOrder = { buckets, batchSize: 4, seed: 1, shuffleWindow: 10 };
  const batches = await collect(epochBatches(set, order, 0));
  assert.deepEqual(
    batches.map(({ bucket, rows }) => [bucket, rows.length]),
    [
      [16, 4],
      [32, 2],
    ],
  );
});

function transferSetOf(shards: readonly (readonly number[])[]): TransferSet {
  const rows = shards.map((shard, i) =>
    shard.map((length, j): TransferRow => {
      const tokenIds = new Int32Array(length).fill(i + 1);
      return { exampleId: `${i}.${j}`, tokenIds, gold: [], soft: null };
    }),
  );
  return {
    rowCount: shards.flat().length,
    goldCount: 0,
    lengths: shards.flat(),
    shardCount: shards.length,
    readShard: (shard) => Promise.resolve(rows[shard] ?? []),
    soft: null,
    leftOut: [],
  };
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

async function take(batches: AsyncGenerator<Batch, never>, count: number): Promise<Batch[]> {
  const taken: Batch[] = [];
  while (taken.length < count) taken.push((await batches.next()).value);
  return taken;
}
