import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { CorruptParquetError, UnsupportedParquetError } from '#datasets/parquet/errors.ts';
import { openParquet } from '#datasets/parquet/reader.ts';
import { createParquetWriter } from '#datasets/parquet/writer.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import { anyRow, COLUMNS, type Row, readRows, toColumns } from '#tests/support/parquet-rows.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-parquet');
const sample = fc.sample(anyRow, { numRuns: 24, seed: 3 });

async function write(name: string, rows: readonly Row[], codec: 'none' | 'snappy' | 'zstd') {
  const path = join(folder, name);
  const metadata = { 'decant.format_version': '1' };
  const writer = await createParquetWriter(path, COLUMNS, { codec, metadata });
  await writer.writeRowGroup(toColumns(rows.slice(0, 16)), 16);
  await writer.writeRowGroup(toColumns(rows.slice(16)), rows.length - 16);
  await writer.close();
  return path;
}

const valid: Buffer[] = [];
before(async () => {
  for (const codec of ['none', 'snappy', 'zstd'] as const) {
    valid.push(readFileSync(await write(`${codec}.parquet`, sample, codec)));
  }
});

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Reads all of a file that may be broken: rows, or an error of ours. Anything else fails the test. */
async function readBroken(bytes: Uint8Array): Promise<Row[] | 'refused'> {
  const path = join(folder, 'broken.parquet');
  writeFileSync(path, bytes);
  try {
    return await readRows(path);
  } catch (error) {
    const isOurs =
      error instanceof CorruptParquetError ||
      error instanceof UnsupportedParquetError ||
      (error instanceof Error && 'code' in error && error.code === 'E_PARQUET_COLUMN');
    assert.ok(
      isOurs,
      `not an error of ours: ${String(error instanceof Error ? error.stack : error)}`,
    );
    return 'refused';
  }
}

test('property: flipped bytes are refused or read, and never crash the reader', async () => {
  const flip = fc.record({
    at: share,
    by: fc.integer({ min: 1, max: 255 }),
  });
  const flips = fc.array(flip, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.nat(2), flips, async (codec, changes) => {
      const bytes = Buffer.from(valid[codec] ?? []);
      for (const { at, by } of changes) {
        const position = Math.floor(at * bytes.length);
        bytes[position] = (bytes[position] ?? 0) ^ by;
      }
      await readBroken(bytes);
    }),
    { numRuns: 400 },
  );
});

test('property: a truncated file is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(2), share, async (codec, kept) => {
      const bytes = valid[codec] ?? Buffer.alloc(0);
      assert.equal(await readBroken(bytes.subarray(0, Math.floor(kept * bytes.length))), 'refused');
    }),
    { numRuns: 100 },
  );
});

test('property: one changed byte in the pages is refused or changes no value', async () => {
  const change = fc.integer({ min: 1, max: 255 });
  await fc.assert(
    fc.asyncProperty(fc.nat(2), share, change, async (codec, position, by) => {
      const bytes = Buffer.from(valid[codec] ?? []);
      const footerStart = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
      const at = Math.floor(position * footerStart);
      bytes[at] = (bytes[at] ?? 0) ^ by;
      const read = await readBroken(bytes);
      if (read !== 'refused') assert.deepEqual(read, sample);
    }),
    { numRuns: 400 },
  );
});

test('a broken page is named with file and column, and with the command that repairs it', async () => {
  const path = join(folder, 'named.parquet');
  const writer = await createParquetWriter(path, [{ name: 'score', type: 'float' }], {
    codec: 'none',
  });
  await writer.writeRowGroup({ score: Float32Array.of(1, 2, 3) }, 3);
  await writer.close();
  const bytes = readFileSync(path);
  const at = bytes.indexOf(Buffer.from(Float32Array.of(2).buffer));
  bytes[at + 3] = 0;
  writeFileSync(path, bytes);
  const file = await openParquet(path);
  await assert.rejects(file.readRowGroup(0), (error) => {
    assert.ok(error instanceof CorruptParquetError);
    assert.match(error.message, /named\.parquet: column "score": the checksum/);
    assert.deepEqual([error.kind, error.fix], ['corrupt', 'decant cache verify --repair']);
    return true;
  });
  await file.close();
});

test('a file that is missing or no Parquet file is refused with its path', async () => {
  await assert.rejects(
    openParquet(join(folder, 'absent.parquet')),
    /absent\.parquet: the file is missing/,
  );
  const path = join(folder, 'text.parquet');
  writeFileSync(path, 'example_id,split\n1,train\n');
  await assert.rejects(openParquet(path), /text\.parquet: it does not begin with PAR1/);
});

test('asking for a column that is absent, not read or of another type is refused', async () => {
  const file = await openParquet(join(folder, 'none.parquet'));
  await assert.rejects(file.readRowGroup(0, ['nope']), /column "nope" is not there: id, source/);
  const group = await file.readRowGroup(0, ['id', 'old_count']);
  assert.throws(() => group.float('score'), /column "score" was not read/);
  assert.throws(() => group.int32('id'), /column "id" holds utf8, not int32/);
  assert.throws(() => group.int32('old_count'), /column "old_count" is null in row/);
  await assert.rejects(file.readRowGroup(9), /no row group 9: it has 2/);
  await file.close();
});

test('dictionary pages, v1 pages, gzip and optional lists of DuckDB are read', async () => {
  for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD']) {
    const path = join(folder, `duckdb-${codec}.parquet`);
    await duckdb(`COPY (
      SELECT (i % 3)::INT AS n, 'class ' || (i % 5) AS t, CASE WHEN i % 4 > 0 THEN (i / 8)::FLOAT END AS f,
        [(i % 7)::INT, 1][1:i % 3] AS ids
      FROM range(5000) r(i)) TO '${path}' (FORMAT parquet, CODEC '${codec}', ROW_GROUP_SIZE 2048)`);
    const file = await openParquet(path);
    const group = await file.readRowGroup(1);
    await file.close();
    const rows = Array.from({ length: 2048 }, (_, row) => row + 2048);
    assert.deepEqual(
      [...group.int32('n')],
      rows.map((i) => i % 3),
    );
    assert.deepEqual(
      group.utf8('t'),
      rows.map((i) => `class ${i % 5}`),
    );
    assert.deepEqual(
      group.numbers('f'),
      rows.map((i) => (i % 4 > 0 ? i / 8 : null)),
    );
    const { values, offsets } = group.listInt32('ids');
    const lists = rows.map((_, row) => [...values.subarray(offsets[row], offsets[row + 1])]);
    assert.deepEqual(
      lists,
      rows.map((i) => [i % 7, 1].slice(0, i % 3)),
    );
  }
});

test('what cannot be read is refused with file and column, and does not hide the rest', async () => {
  const path = join(folder, 'foreign.parquet');
  await duckdb(`COPY (SELECT 1::BIGINT AS big, {a: 1} AS nested, [1, NULL]::INT[] AS holes,
    NULL::INT[] AS none, 2::INT AS fine) TO '${path}' (FORMAT parquet)`);
  const file = await openParquet(path);
  const refuses = (column: string, message: RegExp) =>
    assert.rejects(file.readRowGroup(0, [column]), (error) => {
      assert.ok(error instanceof UnsupportedParquetError);
      assert.match(error.message, message);
      return true;
    });
  await refuses('big', /foreign\.parquet: column "big": of type INT64/);
  await refuses('nested', /column "nested": nested/);
  await refuses('holes', /column "holes": a list with a null inside/);
  await refuses('none', /column "none": a list that is null/);
  assert.deepEqual([...(await file.readRowGroup(0, ['fine'])).int32('fine')], [2]);
  await file.close();
});
