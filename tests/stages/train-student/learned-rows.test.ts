import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { writeViews } from '#datasets/views.ts';
import { settingsOf, trainStudentConfig } from '#stages/train-student/settings.ts';
import { transferSetOf } from '#stages/train-student/start/learned-rows.ts';
import { closeTrainingInputs, readTrainingInputs } from '#stages/train-student/training-inputs.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { syntheticInputs } from './synthetic-corpus.ts';

test('views: rotate has each row in one form an epoch, in another the next; together has all', async () => {
  const inputs = await withViews();
  const rotating = await epochsOf(inputs, 'rotate', 3);
  const forms = rotating.map((ids) => new Set(ids));
  for (const [epoch, ids] of rotating.entries()) {
    assert.equal(ids.length, 200, `rows of epoch ${epoch}`);
    assert.equal(forms[epoch]?.size, 200);
  }
  const [first, second, third] = rotating;
  assert.deepEqual(third, first, 'a row with one view has two forms');
  const changed = first?.filter((id) => forms[1]?.has(id) !== true) ?? [];
  assert.equal(changed.length, 60, 'each of the 60 rows with a view changed its form');
  assert.notDeepEqual(second, first);
  const [together] = await epochsOf(inputs, 'together', 1);
  assert.equal(together?.length, 260);
});

async function epochsOf(
  inputs: Record<string, string>,
  views: 'rotate' | 'together',
  count: number,
): Promise<string[][]> {
  const config = trainStudentConfig.parse({ views });
  const read = await readTrainingInputs({
    config,
    files: {},
    inputs,
    outputs: { checkpoints: temporaryFolder() },
    earlier: [],
    recipe: {},
    recomputeTeacher: false,
    signal: new AbortController().signal,
  });
  const set = await transferSetOf(read, settingsOf(config), 2);
  const epochs: string[][] = [];
  for (let epoch = 0; epoch < count; epoch++) {
    const rows = set.ofEpoch?.(epoch) ?? set;
    const ids: string[] = [];
    for (let shard = 0; shard < rows.shardCount; shard++) {
      ids.push(...(await rows.readShard(shard)).map(({ exampleId }) => exampleId));
    }
    assert.equal(rows.lengths.length, ids.length);
    epochs.push(ids.sort((a, b) => a.localeCompare(b)));
  }
  await closeTrainingInputs(read);
  return epochs;
}

/** The validation rows of a synthetic corpus, as views of its first train rows. */
async function withViews(): Promise<Record<string, string>> {
  const inputs = await syntheticInputs();
  const [train, views] = await Promise.all(
    ['train', 'validation'].map((split) => readTokens(inputs[`tokens/student/${split}`] ?? '')),
  );
  const folder = join(temporaryFolder(), 'views');
  await mkdir(folder);
  const rows = views?.exampleIds.map((exampleId, row) => ({
    exampleId,
    of: train?.exampleIds[row] ?? '',
    view: 1,
  }));
  await writeViews(folder, rows ?? []);
  return {
    ...inputs,
    'views/inputs': folder,
    'views/tokens': inputs['tokens/student/validation'] ?? '',
    'views/rows': inputs['rows/validation'] ?? '',
  };
}
