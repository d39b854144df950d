import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readTokens, type TokenTable, writeTokens } from '#datasets/tokens/tokens.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-tokens');

/** A table of these rows; `typeOf` gives the type of each token of a pair. */
function tableOf(
  rows: readonly (readonly number[])[],
  typeOf?: (id: number) => number,
): TokenTable {
  const offsets = new Int32Array(rows.length + 1);
  for (const [row, ids] of rows.entries()) offsets[row + 1] = (offsets[row] ?? 0) + ids.length;
  const tokenIds = Int32Array.from(rows.flat());
  return {
    exampleIds: rows.map((_, row) => `example ${row}`),
    offsets,
    tokenIds,
    typeIds: typeOf === undefined ? null : tokenIds.map(typeOf),
    truncated: Uint8Array.from(rows, (ids) => ids.length & 1),
    tokenizerDigest: 'd'.repeat(64),
    maxLength: 128,
  };
}

test('property: tokens come back with offsets, types and provenance', async () => {
  const rows = fc.array(fc.array(fc.nat(30_000), { maxLength: 12 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rows, fc.boolean(), async (lists, isPair) => {
      const table = tableOf(lists, isPair ? (id) => id & 1 : undefined);
      await writeTokens(folder, table);
      assert.deepEqual(await readTokens(folder), table);
    }),
    { numRuns: 40 },
  );
});

test('tables longer than one row group keep absolute offsets', async () => {
  const table = tableOf(Array.from({ length: 23_000 }, (_, row) => [row, row + 1].slice(row % 3)));
  await writeTokens(folder, table);
  assert.deepEqual(await readTokens(folder), table);
});

test('columns of a table that do not fit each other are refused', async () => {
  const table = tableOf([[1, 2], [3]]);
  const refuses = (change: Partial<TokenTable>, message: RegExp) =>
    assert.rejects(writeTokens(folder, { ...table, ...change }), message);
  await refuses({ truncated: new Uint8Array(1) }, /"truncated": 1 values, not 2/);
  await refuses({ tokenIds: new Int32Array(4) }, /"token_ids": 4 values, not 3/);
  await refuses({ typeIds: new Int32Array(2) }, /"type_ids": 2 values, not 3/);
  await refuses({ offsets: Int32Array.of(1, 2, 3) }, /do not begin at 0/);
});
