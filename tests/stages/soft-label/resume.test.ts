import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SPLITS } from '#datasets/example.ts';
import { openSoftLabels, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { failingWith } from '#tests/support/failure.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { corpusOf, runSoftLabel, writeCorpus, writeTeacher } from './small-run.ts';

const config = { shardRows: 10 };
const files = { model: [writeTeacher()] };
const inputs = await writeCorpus(corpusOf(35));

test('a lost shard is made again, the others are not touched, and the bytes are the same', async () => {
  const folder = temporaryFolder();
  const first = await runSoftLabel({ config, inputs, files, folder });
  const path = (part: string) => join(first.outputs['rows/train'] ?? '', part);
  const before = readFileSync(path('part-00001.parquet'));
  const untouched = statSync(path('part-00002.parquet')).mtimeMs;
  rmSync(path('part-00001.parquet'));
  writeFileSync(path('part-00003.parquet.tmp-1234'), 'half');
  const again = await runSoftLabel({ config, inputs, files, folder });
  assert.deepEqual([again.counts['resumedRows'], again.counts['teacherRows']], [31, 10]);
  assert.deepEqual(readFileSync(path('part-00001.parquet')), before);
  assert.equal(statSync(path('part-00002.parquet')).mtimeMs, untouched);
});

test('an aborted run ends after the batch in hand and leaves whole shards only', async () => {
  const folder = temporaryFolder();
  const stop = new AbortController();
  const reason = new Error('stopped by the test');
  await assert.rejects(
    runSoftLabel({
      config: { ...config, tokenBudget: 60 },
      inputs,
      files,
      folder,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && event.done > 20) stop.abort(reason);
      },
    }),
    reason,
  );
  const reader = await openSoftLabels(join(folder, 'rows/train'));
  assert.deepEqual([reader.shards.length, reader.rowCount], [2, 20]);
  await reader.close();
  const again = await runSoftLabel({ config, inputs, files, folder });
  assert.deepEqual([again.counts['resumedRows'], again.counts['teacherRows']], [20, 21]);
});

test('shards of another recipe, of other rows and broken ones are removed', async () => {
  const folder = temporaryFolder();
  await runSoftLabel({ config: { ...config, topK: 2 }, inputs, files, folder });
  const recipe = await runSoftLabel({ config, inputs, files, folder });
  assert.equal(recipe.counts['resumedRows'], 0);
  const shorter = await writeCorpus(corpusOf(15));
  const rows = await runSoftLabel({ config, inputs: shorter, files, folder });
  // The first ten train rows are the same, and so are validation and test.
  assert.deepEqual([rows.counts['resumedRows'], rows.counts['teacherRows']], [16, 5]);
  writeFileSync(join(folder, 'rows/train', 'part-00000.parquet'), 'no parquet');
  const broken = await runSoftLabel({ config, inputs: shorter, files, folder });
  assert.deepEqual([broken.counts['resumedRows'], broken.counts['teacherRows']], [6, 15]);
});

test('files of one artifact never come from two providers: the folder is started over', async () => {
  const folder = temporaryFolder();
  const first = await runSoftLabel({ config, inputs, files, folder });
  await asMadeOnCuda(first);
  const untouched = await runSoftLabel({ config, inputs, files, folder });
  assert.equal(untouched.counts['resumedRows'], 41);
  assert.ok(
    untouched.events.some((event) => event.type === 'environment' && event.value === 'cuda'),
  );
  rmSync(join(folder, 'rows/train', 'part-00002.parquet'));
  const again = await runSoftLabel({ config, inputs, files, folder });
  assert.deepEqual([again.counts['resumedRows'], again.counts['teacherRows']], [0, 41]);
  assert.match(again.notes.join('\n'), /5 finished files were made on cuda .* this run uses cpu/);
});

test('more than 1,000 finished rows of another provider are guarded', async () => {
  const folder = temporaryFolder();
  const run = {
    config: { shardRows: 1010 },
    files,
    folder,
    inputs: await writeCorpus(corpusOf(1020)),
  };
  await asMadeOnCuda(await runSoftLabel(run));
  const lost = join(folder, 'rows/train', 'part-00001.parquet');
  rmSync(lost);
  await assert.rejects(
    runSoftLabel(run),
    failingWith('E_TEACHER_GUARD', '1,016 rows', 'provider "cuda" -> "cpu"'),
  );
  assert.ok(!existsSync(lost));
  const allowed = await runSoftLabel({ ...run, recomputeTeacher: true });
  assert.equal(allowed.counts['teacherRows'], 1026);
});

/** Rewrites all files of a run as if CUDA had computed them. */
async function asMadeOnCuda({ outputs }: StageRun): Promise<void> {
  for (const split of SPLITS) {
    const reader = await openSoftLabels(outputs[`rows/${split}`] ?? '');
    for (const [index, path] of reader.shards.entries()) {
      const rows = await reader.readShard(index);
      await writeSoftLabelShard(path, rows, { ...reader.meta, provider: 'cuda' });
    }
    await reader.close();
  }
}
