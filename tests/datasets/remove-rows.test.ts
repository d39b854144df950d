import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readExamples, writeExamples } from '#datasets/examples.ts';
import { readSliceValues, writeSliceValues } from '#datasets/metrics/slice-values.ts';
import { createParquetWriter } from '#datasets/parquet/writer.ts';
import { readPredictions, writePredictions } from '#datasets/predictions.ts';
import { readProbe, writeProbe } from '#datasets/probe.ts';
import { countRowsOf, removeRows } from '#datasets/remove-rows.ts';
import { writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { readTokens, writeTokens } from '#datasets/tokens/tokens.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { exampleId, softLabelsOf, tinyMeta, tinyTokens } from '#tests/support/tiny-world.ts';

const layout = { shardRows: 3, codec: 'zstd' } as const;

function idsOf(count: number): string[] {
  return Array.from({ length: count }, (_, number) => exampleId(number));
}

async function shardsOf(ids: readonly string[]): Promise<string> {
  const folder = temporaryFolder();
  const count = Math.max(1, Math.ceil(ids.length / layout.shardRows));
  for (let index = 0; index < count; index++) {
    const part = ids.slice(index * layout.shardRows, (index + 1) * layout.shardRows);
    const rows = part.map((id) => ({ id, logits: [Number.parseInt(id, 16), 1, 2] }));
    const path = join(folder, `part-0000${index}.parquet`);
    await writeSoftLabelShard(path, softLabelsOf('train', rows, tinyMeta()), tinyMeta());
  }
  return folder;
}

function bytesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );
}

test('property: soft labels without some rows are the files that those rows never entered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 11 }),
      fc.array(fc.nat(10), { minLength: 1 }),
      async (count, gone) => {
        const ids = idsOf(count);
        const removed = new Set(gone.map((number) => exampleId(number)));
        const folder = await shardsOf(ids);
        const paths = readdirSync(folder).map((name) => join(folder, name));
        const held: string[] = [];
        for (const path of paths) if ((await countRowsOf(path, removed)) > 0) held.push(path);
        await removeRows(held, removed, layout);
        const expected = await shardsOf(ids.filter((id) => !removed.has(id)));
        assert.deepEqual(bytesIn(folder), bytesIn(expected));
      },
    ),
    { numRuns: 20 },
  );
});

test('tables of one file lose the rows and keep the others as they were', async () => {
  const folder = temporaryFolder();
  const ids = idsOf(5);
  const removed = new Set([exampleId(1), exampleId(4), exampleId(77)]);
  const kept = ids.filter((id) => !removed.has(id));
  const examples = ids.map((id) => ({
    exampleId: id,
    split: 'train' as const,
    sourceId: null,
    text: `text ${id}`,
    textPair: null,
    weight: 1,
  }));
  await writeExamples(folder, examples);
  await writeTokens(folder, tinyTokens(ids));
  await writeProbe(
    folder,
    ids.map((id) => ({ exampleId: id, tokenIds: [1], logits: [0] })),
  );
  await writePredictions(folder, 'test', {
    rowCount: 5,
    exampleIds: ids,
    predictedIds: Int32Array.from([0, 1, 2, 0, 1]),
    confidence: Float32Array.from([0, 0.1, 0.2, 0.3, 0.4]),
    logits: Float32Array.from({ length: 15 }, (_, index) => index),
  });
  const values = ids.map((id, row) => ({
    exampleId: id,
    column: 'channel',
    value: row === 0 ? null : id,
  }));
  await writeSliceValues(folder, values);
  const before = await readTokens(folder);
  const paths = readdirSync(folder).map((name) => join(folder, name));
  for (const path of paths) assert.equal(await countRowsOf(path, removed), 2, path);
  await removeRows(paths, removed, layout);

  assert.deepEqual(
    await readExamples(folder),
    examples.filter((one) => kept.includes(one.exampleId)),
  );
  const after = await readTokens(folder);
  const tokensOf = (table: typeof after, id: string) => {
    const row = table.exampleIds.indexOf(id);
    return [...table.tokenIds.subarray(table.offsets[row], table.offsets[row + 1])];
  };
  assert.deepEqual(after.exampleIds, kept);
  for (const id of kept) assert.deepEqual(tokensOf(after, id), tokensOf(before, id));
  assert.deepEqual(
    (await readProbe(folder)).map((input) => input.exampleId),
    kept,
  );
  assert.deepEqual(
    await readSliceValues(folder),
    values.filter((one) => kept.includes(one.exampleId)),
  );
  const predictions = await readPredictions(folder, 'test');
  assert.deepEqual([...predictions.predictedIds], [0, 2, 0]);
  assert.deepEqual([...predictions.logits], [0, 1, 2, 6, 7, 8, 9, 10, 11]);
});

test('a table of examples that nobody knows is refused, one without examples is passed over', async () => {
  const folder = temporaryFolder();
  const write = async (name: string, column: string): Promise<string> => {
    const path = join(folder, name);
    const columns = [{ name: column, type: 'utf8' as const }];
    const writer = await createParquetWriter(path, columns, {
      codec: 'none',
      metadata: { 'decant.format': 'news' },
    });
    await writer.writeRowGroup({ [column]: [exampleId(1)] }, 1);
    await writer.close();
    return path;
  };
  const removed = new Set([exampleId(1)]);
  const path = await write('news.parquet', 'example_id');
  assert.equal(await countRowsOf(path, removed), 1);
  await assert.rejects(removeRows([path], removed, layout), failingWith('E_REMOVE_ROWS', 'news'));
  assert.equal(await countRowsOf(await write('other.parquet', 'name'), removed), 0);
});
