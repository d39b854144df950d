import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { idsIn, openGroups } from '#datasets/grouped-table.ts';
import { ROWS_PER_GROUP, type TableFormat, writeTable } from '#datasets/table-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const format: TableFormat = {
  name: 'numbers',
  formatVersion: 1,
  columns: [
    { name: 'example_id', type: 'utf8' },
    { name: 'number', type: 'int32' },
  ],
};
const COUNT = 2 * ROWS_PER_GROUP + 7;
const idOf = (row: number) => row.toString(16).padStart(32, '0');

async function tableOf(ids: readonly string[]) {
  const path = join(temporaryFolder(), 'numbers.parquet');
  const slice = (from: number, to: number) => ({
    example_id: ids.slice(from, to),
    number: Int32Array.from(ids.slice(from, to), (id) => Number.parseInt(id, 16)),
  });
  await writeTable(path, format, { rowCount: ids.length, slice });
  const table = await openGroups(path, format, {
    decode: (group) => ({ idAt: idsIn(group), numbers: group.int32('number') }),
  });
  const numbersOf = async (wanted: readonly string[], from: number) =>
    (await table.rowsOf(wanted, from)).map(({ group, row }) => group.numbers[row]);
  return { table, numbersOf };
}

const ids = Array.from({ length: COUNT }, (_, row) => idOf(row));

test('rows are read across row groups, up to the last one', async () => {
  const { table } = await tableOf(ids);
  const from = ROWS_PER_GROUP - 2;
  const rows = await table.rows(from, COUNT + 10);
  assert.equal(rows.length, COUNT - from);
  for (const [at, { group, row }] of rows.entries()) assert.equal(group.numbers[row], from + at);
});

test('rows are those of the examples that are asked for, in whatever order a table has them', async () => {
  const wanted = ids.slice(ROWS_PER_GROUP - 3, ROWS_PER_GROUP + 3);
  const expected = wanted.map((id) => Number.parseInt(id, 16));
  const orders = { same: ids, reversed: ids.toReversed(), without: ids.slice(5) };
  for (const [name, order] of Object.entries(orders)) {
    const { numbersOf } = await tableOf(order);
    assert.deepEqual(await numbersOf(wanted, ROWS_PER_GROUP - 3), expected, name);
  }
});

test('an example that the table lacks, or has twice, is an error', async () => {
  const { numbersOf } = await tableOf(ids.slice(0, 50));
  await assert.rejects(numbersOf([idOf(50)], 50), failingWith('E_ROWS_MISSING', idOf(50)));
  const twice = await tableOf([...ids.slice(0, 50), idOf(7)]);
  await assert.rejects(twice.numbersOf([idOf(9)], 0), /stands there twice/);
});
