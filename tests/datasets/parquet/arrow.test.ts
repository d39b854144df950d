import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { toRecordBatch } from '#datasets/parquet/arrow.ts';
import { openParquet } from '#datasets/parquet/reader.ts';
import { createParquetWriter } from '#datasets/parquet/writer.ts';
import { anyRow, COLUMNS, type Row, toColumns, withoutMark } from '#tests/support/parquet-rows.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-arrow');

async function readGroup(rows: readonly Row[]) {
  const path = join(folder, 'rows.parquet');
  const writer = await createParquetWriter(path, COLUMNS, { codec: 'zstd' });
  await writer.writeRowGroup(toColumns(rows), rows.length);
  await writer.close();
  const file = await openParquet(path);
  try {
    return await file.readRowGroup(0);
  } finally {
    await file.close();
  }
}

test('property: an Arrow batch holds the same rows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 20 }), async (rows) => {
      const batch = toRecordBatch(await readGroup(rows), COLUMNS);
      assert.equal(batch.numRows, rows.length);
      const found = batch.toArray().map((row: { toJSON(): Record<string, unknown> }) => {
        const { ids, logits, ...flat } = row.toJSON();
        return {
          ...flat,
          ids: [...(ids as Iterable<number>)],
          logits: [...(logits as Iterable<number>)],
        };
      });
      const wanted = rows.map((row) => ({
        ...row,
        id: withoutMark(row.id),
        source: withoutMark(row.source),
      }));
      assert.deepEqual(found, wanted);
    }),
    { numRuns: 50 },
  );
});

test('numbers and lists of a batch are the memory of the row group', async () => {
  const group = await readGroup(fc.sample(anyRow, { numRuns: 5, seed: 1 }));
  const batch = toRecordBatch(group, COLUMNS);
  assert.equal(batch.getChild('score')?.data[0]?.values.buffer, group.float('score').buffer);
  const ids = batch.getChild('ids')?.data[0];
  assert.equal(ids?.children[0]?.values.buffer, group.listInt32('ids').values.buffer);
  assert.equal(ids?.valueOffsets.buffer, group.listInt32('ids').offsets.buffer);
});
