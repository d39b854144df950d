import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ColumnData, ColumnSpec } from '#datasets/parquet/columns.ts';
import { DiskFullError, ParquetValueError } from '#datasets/parquet/errors.ts';
import { openParquet } from '#datasets/parquet/reader.ts';
import { createParquetWriter } from '#datasets/parquet/writer.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-parquet');

async function write(column: ColumnSpec, data: ColumnData, rowCount: number): Promise<void> {
  const path = join(folder, 'guarded.parquet');
  const writer = await createParquetWriter(path, [column], { codec: 'none' });
  try {
    await writer.writeRowGroup({ [column.name]: data }, rowCount);
  } finally {
    await writer.abort();
  }
}

function refuses(column: ColumnSpec, data: ColumnData, rowCount: number, message: RegExp) {
  return assert.rejects(write(column, data, rowCount), (error) => {
    assert.ok(error instanceof ParquetValueError);
    assert.match(error.message, message);
    assert.match(error.message, new RegExp(`guarded.parquet: column "${column.name}"`));
    return true;
  });
}

test('values and offsets that do not fit each other are refused', async () => {
  const column: ColumnSpec = { name: 'ids', type: 'list<int32>' };
  const values = Int32Array.of(1, 2, 3);
  const withOffsets = (...offsets: number[]) => ({ values, offsets: Int32Array.from(offsets) });
  await refuses(column, withOffsets(0, 2), 1, /the offsets span 2 values, and there are 3/);
  await refuses(column, withOffsets(0, 3, 3), 1, /3 offsets for 1 rows/);
  await refuses(column, withOffsets(0, 4, 3), 2, /row 1 ends before it begins/);
  await refuses(
    column,
    { values: new Float32Array(3), offsets: Int32Array.of(0, 3) },
    1,
    /no lists/,
  );
});

test('a column of another length or kind is refused', async () => {
  await refuses({ name: 'n', type: 'int32' }, new Int32Array(2), 3, /2 values for 3 rows/);
  await refuses({ name: 't', type: 'utf8' }, ['a'], 2, /1 values for 2 rows/);
  await refuses({ name: 'n', type: 'int32' }, new Float32Array(1), 1, /cannot be written as int32/);
  await refuses({ name: 't', type: 'utf8' }, [1], 1, /1 is not a text/);
});

test('a null in a column that is not nullable is refused with its row', async () => {
  await refuses({ name: 't', type: 'utf8' }, ['a', null], 2, /row 1 is null/);
});

test('numbers that an int32 cannot hold are refused', async () => {
  await refuses({ name: 'n', type: 'int32' }, [2 ** 31], 1, /2147483648 is not an integer/);
  await refuses({ name: 'n', type: 'int32' }, [0.5], 1, /0.5 is not an integer/);
});

test('half a surrogate pair is refused, since UTF-8 cannot hold it', async () => {
  await refuses({ name: 't', type: 'utf8' }, ['a\ud83d'], 1, /half a surrogate pair/);
});

test('a missing and an unknown column are refused by name', async () => {
  const columns = [{ name: 'n', type: 'int32' }] as const;
  const path = join(folder, 'names.parquet');
  const writer = await createParquetWriter(path, columns, { codec: 'none' });
  await assert.rejects(writer.writeRowGroup({}, 1), /column "n": is missing/);
  const unknown = { n: Int32Array.of(1), m: Int32Array.of(1) };
  await assert.rejects(writer.writeRowGroup(unknown, 1), /column "m": is not one of n/);
  await writer.abort();
});

test('two columns of one name and nullable lists are refused before a file is made', async () => {
  const path = join(folder, 'never.parquet');
  const n: ColumnSpec = { name: 'n', type: 'int32' };
  await assert.rejects(createParquetWriter(path, [n, n], { codec: 'none' }), /declared twice/);
  const list: ColumnSpec = { name: 'ids', type: 'list<int32>', nullable: true };
  await assert.rejects(createParquetWriter(path, [list], { codec: 'none' }), /never null/);
  assert.equal(existsSync(path), false);
});

test('footer metadata and a file without rows come back, here and in DuckDB', async () => {
  const path = join(folder, 'empty.parquet');
  const metadata = { 'decant.classes': JSON.stringify(['é', '😀'.repeat(30_000)]), empty: '' };
  const columns: ColumnSpec[] = [{ name: 't', type: 'utf8', nullable: true }];
  const writer = await createParquetWriter(path, columns, { codec: 'zstd', metadata });
  await writer.writeRowGroup({ t: [] }, 0);
  await writer.close();
  const file = await openParquet(path);
  await file.close();
  assert.deepEqual({ ...file.metadata }, metadata);
  assert.deepEqual(file.columns, columns);
  assert.equal(file.rowCount, 0);
  assert.deepEqual(await duckdb(`SELECT * FROM '${path}'`), []);
});

test('a file that was not closed cannot be read', async () => {
  const path = join(folder, 'aborted.parquet');
  const writer = await createParquetWriter(path, [{ name: 'n', type: 'int32' }], { codec: 'none' });
  await writer.writeRowGroup({ n: Int32Array.of(1, 2, 3, 4) }, 4);
  await writer.abort();
  await assert.rejects(openParquet(path), { code: 'E_PARQUET_CORRUPT' });
});

test('a full disk is a failure to try again, and names the file by its final name', {
  skip: !existsSync('/dev/full') && 'no /dev/full here',
}, async () => {
  const opening = createParquetWriter('/dev/full', [{ name: 'n', type: 'int32' }], {
    codec: 'none',
  });
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof DiskFullError);
    assert.deepEqual([error.kind, error.code], ['retry', 'E_DISK_FULL']);
    assert.match(error.message, /^\/dev\/full: cannot write: .*ENOSPC/);
    return true;
  });
});
