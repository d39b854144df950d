import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withViews } from '#stages/train-student/batches/with-views.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';

function setOf(name: string, rows: number, soft: TransferSet['soft']): TransferSet {
  const row = (exampleId: string) => ({
    exampleId,
    tokenIds: Int32Array.of(1),
    gold: [],
    soft: null,
  });
  return {
    rowCount: rows,
    goldCount: 0,
    lengths: Array.from({ length: rows }, () => 1),
    shardCount: rows,
    readShard: (shard) => Promise.resolve([row(`${name} ${shard}`)]),
    soft,
    leftOut: [],
  };
}

test('rows and views are one set, the shards of the views behind those of the rows', async () => {
  const rows = setOf('row', 2, { type: 'top-k', width: 3 });
  const both = withViews(rows, setOf('view', 3, { type: 'top-k', width: 6 }));
  const ids = await Promise.all(
    Array.from({ length: both.shardCount }, async (_, shard) => (await both.readShard(shard))[0]),
  );
  assert.deepEqual(
    ids.map((row) => row?.exampleId),
    ['row 0', 'row 1', 'view 0', 'view 1', 'view 2'],
  );
  assert.deepEqual([both.rowCount, both.lengths.length], [5, 5]);
  assert.deepEqual(both.soft, { type: 'top-k', width: 6 });
});

test('views whose soft labels have another form are refused with the way out', () => {
  const rows = setOf('row', 1, { type: 'top-k', width: 3 });
  const views = setOf('view', 1, { type: 'dense', width: 8 });
  assert.throws(() => withViews(rows, views), { code: 'E_VIEW_LAYOUT', fix: /keep: all/ });
});
