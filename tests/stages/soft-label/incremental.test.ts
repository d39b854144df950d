import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '#cache/failure.ts';
import { SPLITS } from '#datasets/example.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import {
  asEarlier,
  baseConfig,
  corpusOf,
  idOf,
  rowsOf,
  runSoftLabel,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

const files = { model: [writeTeacher()] };
const corpus = corpusOf(30);
const first = await runSoftLabel({ inputs: await writeCorpus(corpus), files });

test('appended rows meet the teacher alone, and the files equal those of an undisturbed run', async () => {
  const grown = { ...corpus, train: [...corpus.train, 100, 101, 102].filter((row) => row !== 7) };
  const inputs = await writeCorpus(grown);
  const run = await runSoftLabel({ inputs, files, earlier: [asEarlier(first)] });
  assert.deepEqual(
    [
      run.counts['rowsReused'],
      run.counts['rowsNew'],
      run.counts['rowsGone'],
      run.counts['teacherRows'],
    ],
    [35, 3, 1, 3],
  );
  assert.ok(run.notes.includes('35 reused, 3 new, 1 gone'), run.notes.join());
  await assertSameFiles(run, await runSoftLabel({ inputs, files }));
});

test('a dense cache takes rows over too', async () => {
  const config = { ...baseConfig, keep: 'all' };
  const before = await runSoftLabel({ inputs: await writeCorpus(corpus), files, config });
  const inputs = await writeCorpus({ ...corpus, train: [...corpus.train, 100] });
  const run = await runSoftLabel({ inputs, files, config, earlier: [asEarlier(before)] });
  assert.equal(run.counts['teacherRows'], 1);
  await assertSameFiles(run, await runSoftLabel({ inputs, files, config }));
});

test('a single new row gives the bytes that it gives in company', async () => {
  const inputs = await writeCorpus({ ...corpus, test: [...corpus.test, 777] });
  const run = await runSoftLabel({ inputs, files, earlier: [asEarlier(first)] });
  assert.equal(run.counts['teacherRows'], 1);
  await assertSameFiles(run, await runSoftLabel({ inputs, files }));
});

test('where no row is new the teacher is not even loaded', async () => {
  const inputs = await writeCorpus(corpus);
  const gone = { model: ['/there/is/no/teacher.onnx'] };
  const run = await runSoftLabel({ inputs, files: gone, earlier: [asEarlier(first)] });
  assert.equal(run.counts['teacherRows'], 0);
  assert.ok(run.events.some((event) => event.type === 'environment' && event.value === 'cpu'));
  await assertSameFiles(run, first);
});

test('a row that moved to another split is taken over with its new split', async () => {
  const [moved = 0, ...train] = corpus.train;
  const inputs = await writeCorpus({ ...corpus, train, validation: [...corpus.validation, moved] });
  const run = await runSoftLabel({ inputs, files, earlier: [asEarlier(first)] });
  assert.equal(run.counts['teacherRows'], 0);
  const { rows } = await rowsOf(run, 'validation');
  assert.equal(rows.exampleIds.at(-1), idOf(moved));
  assert.equal(rows.splits.at(-1), 'validation');
});

test('rows of another tokenizer are not taken over, although it is no part of the recipe', async () => {
  const inputs = await writeCorpus(corpus, { tokenizerDigest: 'another' });
  const run = await runSoftLabel({ inputs, files, earlier: [asEarlier(first)] });
  assert.equal(run.counts['rowsReused'], 0);
});

test('another recipe is not taken over', async () => {
  const config = { temperatures: [1, 4] };
  const inputs = await writeCorpus(corpus);
  const earlier = [{ ...asEarlier(first), sameRecipe: false }];
  const run = await runSoftLabel({ inputs, files, earlier, config });
  assert.equal(run.counts['rowsReused'], 0);
});

test('the guard names the changed setting before the teacher is loaded, and --recompute-teacher passes it', async () => {
  const large = corpusOf(1200);
  const inputs = await writeCorpus(large);
  const sealed = await runSoftLabel({ inputs, files });
  const earlier = [{ ...asEarlier(sealed), sameRecipe: false }];
  const config = { topK: 5 };
  const gone = { model: ['/there/is/no/teacher.onnx'] };
  await assert.rejects(
    runSoftLabel({ inputs, files: gone, earlier, config }),
    (error) =>
      error instanceof Failure &&
      error.kind === 'usage' &&
      error.code === 'E_TEACHER_GUARD' &&
      error.message.includes('1,206 rows') &&
      error.message.includes('topK 3 -> 5') &&
      error.fix.includes('--recompute-teacher'),
  );
  const tokenizer = await writeCorpus(large, { tokenizerDigest: 'another' });
  await assert.rejects(
    runSoftLabel({ inputs: tokenizer, files: gone, earlier: [asEarlier(sealed)] }),
    /tokenizerDigest "tokenizer" -> "another"/,
  );
  const allowed = await runSoftLabel({ inputs, files, earlier, config, recomputeTeacher: true });
  assert.equal(allowed.counts['teacherRows'], 1206);
});

test('a thousand rows or fewer need no permission', async () => {
  const config = { ...baseConfig, topK: 2 };
  const inputs = await writeCorpus(corpus);
  const narrow = await runSoftLabel({ inputs, files, config });
  const earlier = [{ ...asEarlier(narrow, config), sameRecipe: false }];
  const run = await runSoftLabel({ inputs, files, earlier });
  assert.equal(run.counts['teacherRows'], 36);
});

async function assertSameFiles(a: StageRun, b: StageRun): Promise<void> {
  for (const split of SPLITS) {
    const [left, right] = [await rowsOf(a, split), await rowsOf(b, split)];
    assert.deepEqual(
      left.shards.map((path) => readFileSync(path)),
      right.shards.map((path) => readFileSync(path)),
    );
  }
}
