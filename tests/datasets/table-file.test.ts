import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openParquet } from '#datasets/parquet/reader.ts';
import { readTable, type TableFormat, writeTable } from '#datasets/table-file.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-table');
const path = join(folder, 'numbers.parquet');
const format: TableFormat = {
  name: 'numbers',
  formatVersion: 1,
  columns: [{ name: 'n', type: 'int32' }],
};
const rowsOf = (count: number) => ({
  rowCount: count,
  slice: (from: number, to: number) => ({
    n: Int32Array.from({ length: to - from }, (_, i) => from + i),
  }),
});
const read = (wanted: TableFormat) => readTable(path, wanted, (group) => [...group.int32('n')]);

test('a table is cut into row groups of at most 10,000 rows', async () => {
  await writeTable(path, format, rowsOf(25_000));
  const file = await openParquet(path);
  assert.deepEqual([file.rowGroupCount, file.rowCount], [3, 25_000]);
  await file.close();
  assert.deepEqual(
    await read(format),
    Array.from({ length: 25_000 }, (_, row) => row),
  );
});

test('another version or another kind of table is refused with what was found', async () => {
  await writeTable(path, { ...format, formatVersion: 2 }, rowsOf(1));
  await assert.rejects(read(format), /decant\.format_version is 2, not 1/);
  await writeTable(path, { ...format, name: 'letters' }, rowsOf(1));
  await assert.rejects(read(format), /decant\.format is letters, not numbers/);
});

test('a table without a column of its format, or with another type, is refused', async () => {
  await writeTable(path, format, rowsOf(1));
  const withColumn = (name: string, type: 'utf8' | 'int32') => ({
    ...format,
    columns: [{ name, type }],
  });
  await assert.rejects(read(withColumn('m', 'int32')), /column "m" is not there/);
  await assert.rejects(read(withColumn('n', 'utf8')), /column "n" holds int32, not utf8/);
});

test('a write that fails leaves the old table and nothing else', async () => {
  await writeTable(path, format, rowsOf(3));
  const failing = {
    rowCount: 20_000,
    slice: (from: number) => {
      if (from > 0) throw new Error('stopped in the second row group');
      return rowsOf(10_000).slice(0, 10_000);
    },
  };
  await assert.rejects(writeTable(path, format, failing), /stopped in the second row group/);
  assert.deepEqual(await read(format), [0, 1, 2]);
  assert.deepEqual(readdirSync(folder), ['numbers.parquet']);
});
