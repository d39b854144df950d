import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinBytes, splitBytes } from '#datasets/parquet/byte-stream-split.ts';
import type { ParquetCodec } from '#datasets/parquet/codec.ts';
import { type ColumnSpec, fixedWidthList, type ListColumn } from '#datasets/parquet/columns.ts';
import { decodeDeltas, encodeDeltas } from '#datasets/parquet/delta-binary-packed.ts';
import { openParquet } from '#datasets/parquet/reader.ts';
import { createParquetWriter } from '#datasets/parquet/writer.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-encodings');

test('property: differences of any int32 come back, also those beyond 32 bits', () => {
  const values = fc.oneof(
    fc.int32Array({ maxLength: 400 }),
    fc.array(fc.nat(255), { maxLength: 400 }).map((items) => Int32Array.from(items)),
    fc
      .array(fc.constantFrom(-(2 ** 31), 2 ** 31 - 1), { maxLength: 300 })
      .map((items) => Int32Array.from(items)),
  );
  fc.assert(
    fc.property(values, (items) => {
      assert.deepEqual(decodeDeltas(encodeDeltas(items), items.length), items);
    }),
  );
});

test('the example of the specification is packed as it says', () => {
  // 7, 5, 3, 1, 2, 3, 4, 5: least difference -2, then 0 0 0 3 3 3 3 in 2 bits each.
  const packed = encodeDeltas(Int32Array.of(7, 5, 3, 1, 2, 3, 4, 5));
  const part = [0b11000000, 0b00111111, 0, 0, 0, 0, 0, 0];
  assert.deepEqual([...packed], [128, 1, 4, 8, 14, 3, 2, 0, 0, 0, ...part]);
});

test('property: broken differences are refused or give numbers, and never hang', () => {
  const mutated = fc.tuple(fc.int32Array({ minLength: 1, maxLength: 200 }), fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(mutated, ([items, place, byte]) => {
      const packed = encodeDeltas(items);
      packed[place % packed.length] = byte;
      try {
        assert.equal(decodeDeltas(packed, items.length).length, items.length);
      } catch (error) {
        assert.match((error as Error).message, /packed|blocks of|does not end/);
      }
    }),
  );
});

test('bytes behind the packed values, and values that are not there, are told', () => {
  const packed = encodeDeltas(Int32Array.of(1, 2, 3));
  assert.throws(() => decodeDeltas(Buffer.concat([packed, Buffer.of(0)]), 3), /bytes behind/);
  assert.throws(() => decodeDeltas(packed.subarray(0, -1), 3), /end behind their page/);
  assert.throws(() => decodeDeltas(packed, 4), /3 packed values, not 4/);
});

test('property: bytes that were taken apart come together again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const whole = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 4)));
      assert.deepEqual(joinBytes(splitBytes(whole)), whole);
    }),
  );
});

const columns: readonly ColumnSpec[] = [
  { name: 'small', type: 'list<uint8>', encoding: 'delta' },
  { name: 'middle', type: 'list<uint16>' },
  { name: 'whole', type: 'list<int32>', encoding: 'delta' },
  { name: 'floats', type: 'list<float>', encoding: 'split' },
  { name: 'flat', type: 'float', encoding: 'split' },
];

for (const codec of ['none', 'snappy', 'zstd'] as const) {
  test(`packed and split columns come back, here and in DuckDB (${codec})`, async () => {
    const path = join(folder, `${codec}.parquet`);
    const data = await write(path, codec);
    const file = await openParquet(path);
    assert.deepEqual(
      file.columns.map(({ type }) => type),
      columns.map(({ type }) => type),
    );
    const group = await file.readRowGroup(0);
    await file.close();
    for (const name of ['small', 'middle', 'whole'] as const) {
      assert.deepEqual(group.listInt32(name), data[name]);
    }
    assert.deepEqual(group.listFloat('floats'), data.floats);
    assert.deepEqual(group.float('flat'), data.flat);
    const found = await duckdb(`SELECT small, middle, whole, floats, flat FROM '${path}'`);
    assert.deepEqual(found, plainRows(data));
    const described = await duckdb(`SELECT column_type FROM (DESCRIBE FROM '${path}')`);
    assert.deepEqual(described.flat(), [
      'UTINYINT[]',
      'USMALLINT[]',
      'INTEGER[]',
      'FLOAT[]',
      'FLOAT',
    ]);
  });
}

test('the footer names the encodings that the pages have', async () => {
  const path = join(folder, 'footer.parquet');
  await write(path, 'zstd');
  const found = await duckdb(`SELECT encodings FROM parquet_metadata('${path}')`);
  assert.deepEqual(found.flat(), [
    'RLE, DELTA_BINARY_PACKED',
    'RLE, PLAIN',
    'RLE, DELTA_BINARY_PACKED',
    'RLE, BYTE_STREAM_SPLIT',
    'RLE, BYTE_STREAM_SPLIT',
  ]);
});

test('without a codec floats are left in one piece: there would be nothing to gain', async () => {
  const path = join(folder, 'none.parquet');
  const { flat } = await write(path, 'none');
  assert.ok((await readFile(path)).includes(Buffer.from(flat.buffer)));
});

test('a number that its unsigned column cannot hold is refused', async () => {
  const writer = await createParquetWriter(join(folder, 'refused'), columns.slice(0, 1), {
    codec: 'none',
  });
  for (const value of [-1, 256]) {
    const small = fixedWidthList(Int32Array.of(value), 1, 1);
    await assert.rejects(writer.writeRowGroup({ small }, 1), /is not between 0 and 255/);
  }
  await writer.abort();
});

interface Data {
  readonly small: ListColumn<Int32Array>;
  readonly middle: ListColumn<Int32Array>;
  readonly whole: ListColumn<Int32Array>;
  readonly floats: ListColumn<Float32Array>;
  readonly flat: Float32Array;
}

/** 300 rows; lists of 0 to 4 values. */
async function write(path: string, codec: ParquetCodec): Promise<Data> {
  const rowCount = 300;
  const offsets = new Int32Array(rowCount + 1);
  for (let row = 0; row < rowCount; row++) offsets[row + 1] = (offsets[row] ?? 0) + (row % 5);
  const places = Array.from({ length: offsets[rowCount] ?? 0 }, (_, place) => place);
  const integers = (of: (place: number) => number) => ({
    values: Int32Array.from(places, of),
    offsets,
  });
  const data = {
    small: integers((place) => (place * 37) % 256),
    middle: integers((place) => (place * 7919) % 65_536),
    whole: integers((place) => (place * 2_654_435_761) | 0),
    floats: { values: Float32Array.from(places, Math.sin), offsets },
    flat: Float32Array.from({ length: rowCount }, (_, row) => -row / 7),
  };
  const writer = await createParquetWriter(path, columns, { codec });
  await writer.writeRowGroup(data, rowCount);
  await writer.close();
  return data;
}

function plainRows({ small, middle, whole, floats, flat }: Data): unknown[][] {
  return Array.from(flat, (value, row) => {
    const part = ({ values, offsets }: ListColumn<Int32Array | Float32Array>) => [
      ...values.subarray(offsets[row], offsets[row + 1]),
    ];
    return [part(small), part(middle), part(whole), part(floats), value];
  });
}
