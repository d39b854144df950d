import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordBatchReader, tableFromIPC } from 'apache-arrow';
import { arrowBytes } from '#datasets/arrow-stream.ts';
import { withSql } from '#datasets/sql.ts';
import { failingWith } from '#tests/support/failure.ts';

async function arrowOf(sql: string, kind: 'file' | 'stream'): Promise<Uint8Array> {
  return withSql([], async (session) => {
    const { columns, batches } = await session.query(sql);
    const chunks: Uint8Array[] = [];
    for await (const chunk of arrowBytes(columns, batches, kind)) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
}

for (const kind of ['file', 'stream'] as const) {
  test(`a ${kind} holds every type, nulls and lists`, async () => {
    const sql = `
      SELECT true AS b, 1::TINYINT AS i8, 2::SMALLINT AS i16, 3 AS i32, 4::BIGINT AS i64,
             5::UTINYINT AS u8, 6::USMALLINT AS u16, 7::UINTEGER AS u32, 8::UBIGINT AS u64,
             sum(9) AS big, 1.5::DECIMAL(4, 2) AS d, 0.5::FLOAT AS f, 0.25::DOUBLE AS g,
             'ü' AS t, NULL AS n, [1.5::FLOAT, NULL] AS fs, [['a'], []] AS nested, [1, 2]::INT[2] AS pair`;
    const [row] = tableFromIPC(await arrowOf(sql, kind)).toArray();
    const plain = JSON.parse(
      JSON.stringify(row, (_, value: unknown) =>
        typeof value === 'bigint' ? Number(value) : value,
      ),
    ) as unknown;
    const whole = { i8: 1, i16: 2, i32: 3, i64: 4, u8: 5, u16: 6, u32: 7, u64: 8 };
    const broken = { big: 9, d: 1.5, f: 0.5, g: 0.25 };
    const lists = { fs: [1.5, null], nested: [['a'], []], pair: [1, 2] };
    assert.deepEqual(plain, { b: true, ...whole, ...broken, t: 'ü', n: null, ...lists });
  });

  test(`a ${kind} of many batches, and one of none, can be opened`, async () => {
    const sql = 'SELECT range AS n, [range] AS l, range::VARCHAR AS t FROM range(5000)';
    const table = tableFromIPC(await arrowOf(sql, kind));
    assert.equal(table.numRows, 5000);
    assert.ok(table.batches.length > 1);
    assert.equal(table.get(4999)?.['t'], '4999');
    const empty = tableFromIPC(await arrowOf(`${sql} LIMIT 0`, kind));
    assert.deepEqual([empty.numRows, empty.numCols], [0, 3]);
  });
}

test('bytes come batch by batch: nothing waits for the last row', async () => {
  await withSql([], async (session) => {
    const { columns, batches } = await session.query('SELECT range AS n FROM range(100000)');
    let read = 0;
    const counted = (async function* () {
      for await (const batch of batches) {
        read += batch.rowCount;
        yield batch;
      }
    })();
    const bytes = arrowBytes(columns, counted, 'stream');
    await bytes.next();
    assert.ok(read < 10_000, `${read} rows were read before the first byte`);
    await bytes.return(undefined);
  });
});

test('a stream says its schema first', async () => {
  const reader = RecordBatchReader.from(await arrowOf("SELECT 1 AS a, 'x' AS b", 'stream'));
  assert.deepEqual(
    reader.open().schema.fields.map(({ name, type }) => `${name} ${type}`),
    ['a Int32', 'b Utf8'],
  );
});

test('a type that would be lost is refused with the way out', async () => {
  await assert.rejects(
    arrowOf("SELECT DATE '2026-01-01' AS day", 'file'),
    failingWith('E_ARROW_TYPE', '"day" is of type DATE'),
  );
});
