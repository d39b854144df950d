import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openParquet } from '#datasets/parquet/reader.ts';
import { createParquetWriter } from '#datasets/parquet/writer.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import {
  anyRow,
  COLUMNS,
  type Row,
  readRows,
  toColumns,
  withoutMark,
} from '#tests/support/parquet-rows.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-parquet');
const codecs = fc.constantFrom('none' as const, 'snappy' as const, 'zstd' as const);
const groups = fc.array(fc.array(anyRow, { maxLength: 30 }), { maxLength: 3 });

async function write(parts: readonly Row[][], codec: 'none' | 'snappy' | 'zstd'): Promise<string> {
  const path = join(folder, 'rows.parquet');
  const writer = await createParquetWriter(path, COLUMNS, { codec });
  for (const rows of parts) await writer.writeRowGroup(toColumns(rows), rows.length);
  await writer.close();
  return path;
}

test('property: what is written comes back, value by value', async () => {
  await fc.assert(
    fc.asyncProperty(groups, codecs, async (parts, codec) => {
      assert.deepEqual(await readRows(await write(parts, codec)), parts.flat());
    }),
    { numRuns: 150 },
  );
});

test('property: DuckDB reads the same values', async () => {
  await fc.assert(
    fc.asyncProperty(groups, codecs, async (parts, codec) => {
      const path = await write(parts, codec);
      const rows = await duckdb(`SELECT * FROM '${path}'`);
      const cells = parts.flat().map((row) => COLUMNS.map(({ name }) => withoutMark(row[name])));
      assert.deepEqual(rows, cells);
    }),
    { numRuns: 30 },
  );
});

test('floats come back bit by bit, also NaN with a payload and negative zero', async () => {
  const path = join(folder, 'bits.parquet');
  const bits = Uint32Array.of(0x7fc0_0001, 0x8000_0000, 0x0000_0001, 0xff80_0000, 0x7f7f_ffff);
  const writer = await createParquetWriter(path, [{ name: 'x', type: 'float' }], { codec: 'zstd' });
  await writer.writeRowGroup({ x: new Float32Array(bits.buffer) }, bits.length);
  await writer.close();
  const file = await openParquet(path);
  const read = (await file.readRowGroup(0)).float('x');
  await file.close();
  assert.deepEqual(new Uint32Array(read.buffer, read.byteOffset, read.length), bits);
});

test('100,000 rows with lists of every length up to 70 come back', async () => {
  const path = join(folder, 'long.parquet');
  const columns = [{ name: 'ids', type: 'list<int32>' }] as const;
  const lengths = Int32Array.from({ length: 100_000 }, (_, row) => (row * 31) % 71);
  const offsets = new Int32Array(lengths.length + 1);
  for (const [row, length] of lengths.entries()) offsets[row + 1] = (offsets[row] ?? 0) + length;
  const values = Int32Array.from({ length: offsets.at(-1) ?? 0 }, (_, index) => index);
  const writer = await createParquetWriter(path, columns, { codec: 'zstd' });
  await writer.writeRowGroup({ ids: { values, offsets } }, lengths.length);
  await writer.close();
  const file = await openParquet(path);
  const read = (await file.readRowGroup(0)).listInt32('ids');
  await file.close();
  assert.deepEqual(read, { values, offsets });
  const sums = await duckdb(`SELECT sum(len(ids))::INT, sum(list_sum(ids))::DOUBLE FROM '${path}'`);
  assert.deepEqual(sums, [[values.length, (values.length * (values.length - 1)) / 2]]);
});
