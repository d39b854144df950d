import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  concatRows,
  metaAt,
  openSoftLabels,
  type SoftLabelRows,
  takeRows,
  temperatureSuffix,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { asStored, folderOf, readAll, root } from '#tests/support/soft-label-folders.ts';
import { SAMPLE_KINDS, sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';

for (const kind of SAMPLE_KINDS) {
  test(`${kind} shards come back with their metadata, shard by shard and group by group`, async () => {
    const meta = sampleMeta(kind);
    const rows = await asStored(sampleRows(meta, 25), meta);
    const first = takeRows(
      rows,
      Array.from({ length: 12 }, (_, row) => row),
    );
    const second = takeRows(
      rows,
      Array.from({ length: 13 }, (_, row) => row + 12),
    );
    const read = await readAll(
      await folderOf([
        [first, meta],
        [second, meta],
      ]),
    );
    assert.deepEqual(read.meta, meta);
    assert.equal(read.rowCount, 25);
    assert.deepEqual(read.shards, [first, second]);
    assert.deepEqual(concatRows(read.parts), rows);
  });
}

for (const kind of ['compact', 'small'] as const) {
  test(`${kind} rows that were read are written as the same bytes again`, async () => {
    const meta = sampleMeta(kind);
    const path = (name: string) => join(root, `${kind}-${name}.parquet`);
    const rows = sampleRows(meta, 25);
    await writeSoftLabelShard(path('exact'), rows, meta);
    await writeSoftLabelShard(path('again'), await asStored(rows, meta), meta);
    assert.ok(readFileSync(path('again')).equals(readFileSync(path('exact'))));
  });
}

test('property: top-k rows come back bit by bit, whatever the floats', async () => {
  const meta = { ...sampleMeta('top-k'), temperatures: [1, 2] };
  const bits = (length: number) =>
    fc.uint32Array({ minLength: length, maxLength: length }).map((a) => new Float32Array(a.buffer));
  const anyRows = fc.integer({ min: 1, max: 8 }).chain((rowCount) =>
    fc.record({
      ids: fc.array(fc.nat(4), { minLength: 2 * rowCount, maxLength: 2 * rowCount }),
      topLogits: bits(2 * rowCount),
      flats: fc.tuple(
        bits(rowCount),
        bits(rowCount),
        bits(rowCount),
        bits(rowCount),
        bits(rowCount),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(anyRows, async ({ ids, topLogits, flats: [a, b, c, d, e] }) => {
      const topIds = Int32Array.from(ids);
      const rows = {
        ...sampleRows(meta, a.length),
        topIds,
        topLogits,
        logSumExp: [a, b],
        tailLogMass: [c, d],
        entropyNats: e,
      };
      const { shards } = await readAll(await folderOf([[rows, meta]]));
      const read = shards[0] ?? rows;
      assert.deepEqual(read.topIds, topIds);
      assert.deepEqual(bitsOf(read), bitsOf(rows));
    }),
    { numRuns: 40 },
  );
});

test('column names carry the temperature with an underscore for the point', () => {
  assert.deepEqual([1, 1.5, 10].map(temperatureSuffix), ['t1', 't1_5', 't10']);
});

test('an empty shard has all columns and no rows', async () => {
  const meta = sampleMeta('top-k');
  const none = takeRows(sampleRows(meta, 3), []);
  const { shards, rowCount } = await readAll(await folderOf([[none, meta]]));
  assert.equal(rowCount, 0);
  assert.deepEqual(shards, [none]);
});

test('rows can be taken in any order, twice, and put together again', () => {
  const rows = sampleRows(sampleMeta('top-k'), 3);
  const taken = takeRows(rows, [2, 0, 2]);
  assert.deepEqual(
    taken.exampleIds,
    [2, 0, 2].map((row) => rows.exampleIds[row]),
  );
  assert.deepEqual(taken.topIds.subarray(2, 4), rows.topIds.subarray(0, 2));
  assert.deepEqual(
    concatRows([takeRows(rows, [0]), takeRows(rows, []), takeRows(rows, [1, 2])]),
    rows,
  );
  assert.throws(() => takeRows(rows, [3]), /row 3 of 3/);
});

/** All floats of these rows as bit patterns: NaN payloads and signs of zero count. */
function bitsOf(rows: SoftLabelRows): number[][] {
  const columns = [rows.topLogits, ...rows.logSumExp, ...rows.tailLogMass, rows.entropyNats];
  return columns.map((column) => [
    ...new Uint32Array(column.buffer, column.byteOffset, column.length),
  ]);
}

for (const kind of SAMPLE_KINDS) {
  test(`${kind} shards give their ids alone, and their numbers for one temperature alone`, async () => {
    const meta = sampleMeta(kind);
    const reader = await openSoftLabels(await folderOf([[sampleRows(meta, 25), meta]]));
    const whole = await reader.readShard(0);
    assert.deepEqual(await reader.readIds(0), whole.exampleIds);
    for (const temperature of [...meta.temperatures, 7]) {
      const place = meta.temperatures.indexOf(temperature);
      const at = (values: readonly Float32Array[]) => (place < 0 ? [] : [values[place]]);
      const { exampleIds: _ids, splits: _splits, sourceIds: _sources, hidden, ...rest } = whole;
      assert.deepEqual(await reader.readNumbers(0, temperature), {
        ...rest,
        logSumExp: at(whole.logSumExp),
        tailLogMass: at(whole.tailLogMass),
      });
      assert.equal(hidden === undefined, kind !== 'tokens');
      assert.deepEqual(metaAt(meta, temperature).temperatures, place < 0 ? [] : [temperature]);
    }
    await assert.rejects(reader.readIds(1), /shard 1 of 1/);
    await reader.close();
  });
}
