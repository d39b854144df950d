import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { IntFile, partsOf } from '#datasets/int-list.ts';
import { closeTokens, readTokens, readTokensWithin, writeTokens } from '#datasets/tokens/tokens.ts';
import { eachRow, tokenIdsOf, tokensOfRows } from '#stages/train-student/batches/token-rows.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('numbers of a file read back from any place, and the file has no name', async () => {
  const folder = temporaryFolder();
  const file = new IntFile(folder);
  assert.deepEqual(readdirSync(folder), []);
  file.append(Int32Array.of(1, -2, 3));
  file.append(Int32Array.of(2 ** 31 - 1, -(2 ** 31)));
  assert.equal(file.length, 5);
  assert.deepEqual([...file.subarray(0)], [1, -2, 3, 2 ** 31 - 1, -(2 ** 31)]);
  assert.deepEqual([...file.subarray(1, 4)], [-2, 3, 2 ** 31 - 1]);
  assert.deepEqual([...(await file.read(3, 5))], [2 ** 31 - 1, -(2 ** 31)]);
  assert.deepEqual(
    [...partsOf(file)].map((part) => part.length),
    [5],
  );
  assert.throws(() => file.subarray(4, 6), RangeError);
  await assert.rejects(file.read(4, 6), RangeError);
  file.close();
});

test('tokens beyond the limit lie in a file and are the same row by row', async () => {
  const folder = temporaryFolder();
  const spill = join(folder, 'spill');
  mkdirSync(spill);
  const rows = 25_000;
  const offsets = Int32Array.from({ length: rows + 1 }, (_, row) => 2 * row + (row % 2));
  const tokenIds = Int32Array.from({ length: offsets[rows] ?? 0 }, (_, place) => place * 7);
  await writeTokens(folder, {
    exampleIds: Array.from({ length: rows }, (_, row) => String(row).padStart(32, '0')),
    offsets,
    tokenIds,
    typeIds: tokenIds.map((id) => id % 2),
    truncated: new Uint8Array(rows),
    tokenizerDigest: 'd'.repeat(64),
    maxLength: 3,
  });
  const whole = await readTokens(folder);
  for (const limitBytes of [0, 100_000, 1e9]) {
    const stored = await readTokensWithin(folder, { limitBytes, spill });
    assert.equal(stored.tokenIds instanceof IntFile, limitBytes < 1e9);
    assert.deepEqual(readdirSync(spill), []);
    assert.deepEqual(
      { ...stored, tokenIds: stored.tokenIds.subarray(0), typeIds: stored.typeIds?.subarray(0) },
      { ...whole },
    );
    for (const row of [0, 1, 9999, 10_000, rows - 1]) {
      assert.deepEqual(tokenIdsOf(stored, row), tokenIdsOf(whole, row));
    }
    let row = 0;
    for (const ids of eachRow(stored)) assert.deepEqual(ids, tokenIdsOf(whole, row++));
    assert.equal(row, rows);
    for (const places of [
      [5, 6, -1, 7],
      [rows - 1, 0, 12_345],
    ]) {
      const tokensOf = await tokensOfRows(stored, Int32Array.from(places));
      for (const place of places.filter((one) => one >= 0)) {
        assert.deepEqual(tokensOf(place), tokenIdsOf(whole, place));
      }
    }
    closeTokens(stored);
  }
});
