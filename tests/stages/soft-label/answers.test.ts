import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SPLITS } from '#datasets/example.ts';
import { assertClose } from '#tests/support/close.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  asEarlier,
  baseConfig,
  corpusOf,
  idOf,
  recipeOf,
  rowsOf,
  runSoftLabel,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

const folder = temporaryFolder();
const corpus = corpusOf(20);
const inputs = await writeCorpus(corpus);
const allRows = SPLITS.flatMap((split) => corpus[split]);

function answers(rows: readonly unknown[]): Record<string, string[]> {
  return { answers: [corpusFile(folder, `${Math.random()}.jsonl`, jsonLines(rows))] };
}

const labels = allRows.map((row) => ({ example_id: idOf(row), label: `class ${row % 6}` }));

test('labels become smoothed distributions, and no model is loaded', async () => {
  const run = await runSoftLabel({ inputs, files: answers(labels), config: { keep: 'all' } });
  const { rows, meta } = await rowsOf(run, 'train');
  assert.equal(rows.rowCount, 20);
  assert.deepEqual([meta.provider, meta.runtime], ['none', 'answers']);
  for (const [row, exampleId] of rows.exampleIds.entries()) {
    const best = Number.parseInt(exampleId, 16) % 6;
    assertClose(Math.exp(rows.logits[row * 6 + best] ?? NaN), 0.9 + 0.1 / 6, 1e-6);
  }
  assert.equal(run.counts['teacherRows'], 0);
  assert.match(run.notes.join(), /answers: 26 labels/);
});

test('features of answers are refused, as there is no graph that has them', async () => {
  const config = { hidden: ['pooled'] };
  await assert.rejects(
    runSoftLabel({ inputs, files: answers(labels), config }),
    failingWith('E_ANSWERS_HIDDEN', 'asks for pooled'),
  );
});

test('what a model says, written down as probabilities, gives the cache that the model gives', async () => {
  const asked = await runSoftLabel({
    inputs,
    files: { model: [writeTeacher()] },
    config: { keep: 'all' },
  });
  const written: unknown[] = [];
  for (const split of SPLITS) {
    const { rows } = await rowsOf(asked, split);
    for (const [row, exampleId] of rows.exampleIds.entries()) {
      const logits = rows.logits.subarray(row * 6, (row + 1) * 6);
      const normaliser = rows.logSumExp[0]?.[row] ?? NaN;
      const probabilities = [...logits].map((logit) => Math.exp(logit - normaliser));
      written.push({ example_id: exampleId, probabilities });
    }
  }
  for (const config of [
    { topK: 3, temperatures: [1, 2] },
    { topK: 2, temperatures: [1, 4], precision: 'compact' },
  ]) {
    const model = await runSoftLabel({ inputs, files: { model: [writeTeacher()] }, config });
    const file = await runSoftLabel({ inputs, files: answers(written), config });
    const [a, b] = [await rowsOf(model, 'train'), await rowsOf(file, 'train')];
    assert.deepEqual(b.rows.topIds, a.rows.topIds);
    for (const [index, tails] of a.rows.tailLogMass.entries()) {
      for (const [row, tail] of tails.entries()) {
        assertClose(b.rows.tailLogMass[index]?.[row] ?? NaN, tail, 1e-4);
      }
    }
    for (const [row, entropy] of a.rows.entropyNats.entries()) {
      assertClose(b.rows.entropyNats[row] ?? NaN, entropy, 1e-4);
    }
  }
});

test('best log-probabilities keep their tail exactly at T = 1, and what is assumed at others is told', async () => {
  const best = { 'class 1': Math.log(0.6), 'class 4': Math.log(0.3) };
  const rows = allRows.map((row) => ({ example_id: idOf(row), log_probs: best }));
  const config = { topK: 2, temperatures: [1, 2] };
  const run = await runSoftLabel({ inputs, files: answers(rows), config });
  const { rows: kept } = await rowsOf(run, 'train');
  assert.deepEqual([...kept.topIds.subarray(0, 2)], [1, 4]);
  assertClose(Math.exp(kept.tailLogMass[0]?.[0] ?? NaN), 0.1, 1e-5);
  // Four classes of 0.025 each: sqrt(0.025) * 4 of what all square roots add up to.
  const roots = [0.6, 0.3, 0.025, 0.025, 0.025, 0.025].map(Math.sqrt);
  const tail = (4 * Math.sqrt(0.025)) / roots.reduce((sum, root) => sum + root, 0);
  assertClose(Math.exp(kept.tailLogMass[1]?.[0] ?? NaN), tail, 1e-5);
  assert.match(run.notes.join(), /26 answers name their best classes only.*assumption at T = 2/);
});

test('draws are made of answers too', async () => {
  const config = { keep: 'sampled', samples: 20, temperatures: [1] };
  const run = await runSoftLabel({ inputs, files: answers(labels), config });
  const { rows } = await rowsOf(run, 'train');
  assert.equal(rows.sampled?.confidence.length, 20);
});

test('neither the order of answers nor answers for other texts change a byte of the rows', async () => {
  const more = [{ text: 'of nobody', label: 'class 1' }, ...labels.toReversed()];
  const [a, b] = [
    await runSoftLabel({ inputs, files: answers(labels) }),
    await runSoftLabel({ inputs, files: answers(more) }),
  ];
  const numbers = async (run: StageRun) => {
    const { rows } = await rowsOf(run, 'train');
    return [rows.exampleIds, rows.topIds, rows.topLogits, rows.entropyNats];
  };
  assert.deepEqual(await numbers(b), await numbers(a));
  assert.match(b.notes.join(), /1 are about other texts/);
});

test('an interrupted run goes on, and ends with the bytes of an undisturbed one', async () => {
  const config = { shardRows: 8 };
  const files = answers(labels);
  const stop = new AbortController();
  const halfway = temporaryFolder();
  const broken = runSoftLabel({
    inputs,
    files,
    config,
    folder: halfway,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.done >= 12) stop.abort(new Error('stopped'));
    },
  });
  await assert.rejects(broken, /stopped/);
  const again = await runSoftLabel({ inputs, files, config, folder: halfway });
  const whole = await runSoftLabel({ inputs, files, config });
  for (const split of SPLITS) {
    const [a, b] = [await rowsOf(again, split), await rowsOf(whole, split)];
    assert.deepEqual(
      a.shards.map((path) => readFileSync(path)),
      b.shards.map((path) => readFileSync(path)),
    );
  }
});

test('more answers need no permission, however many rows there are', async () => {
  const many = corpusOf(1200);
  const manyInputs = await writeCorpus(many);
  const said = [...many.train, ...many.validation, ...many.test].map((row) => ({
    example_id: idOf(row),
    label: `class ${row % 6}`,
  }));
  const files = answers(said);
  const recipe = (digest: string) => ({ ...recipeOf(baseConfig), files: { answers: [digest] } });
  const first = await runSoftLabel({ inputs: manyInputs, files, recipe: recipe('a') });
  const earlier = { ...asEarlier(first), recipe: recipe('a'), sameRecipe: false };
  const run = await runSoftLabel({
    inputs: manyInputs,
    files,
    recipe: recipe('b'),
    earlier: [earlier],
  });
  assert.equal((await rowsOf(run, 'train')).rows.rowCount, 1200);
});

test('rows without an answer are an error that names them, or are left out and counted', async () => {
  const some = answers(labels.slice(3));
  const refused = runSoftLabel({ inputs, files: some });
  await assert.rejects(
    refused,
    failingWith('E_ANSWERS_MISSING', '3 of 26 rows have no answer', idOf(0), 'text of row 0'),
  );
  const config = { answers: { missing: 'skip' } };
  const run = await runSoftLabel({ inputs, files: some, config });
  assert.equal((await rowsOf(run, 'train')).rows.rowCount, 17);
  assert.equal(run.counts['unanswered'], 3);
  assert.match(run.warnings.join(), /3 rows have no answer and are left out/);
});

test('answers that cannot be joined are named with their file and line', async () => {
  const refused: readonly (readonly [rows: readonly unknown[], says: string])[] = [
    [[...labels, { example_id: idOf(1), label: 'class 2' }], 'line 27: a second answer'],
    [[{ ...labels[0], label: 'clas 3' }], 'line 1: "clas 3" is none of the 6 classes; nearest'],
    [
      [{ example_id: idOf(0), probabilities: [0.5, 0.5] }],
      'a list of 2 probabilities for 6 classes',
    ],
  ];
  for (const [rows, says] of refused) {
    await assert.rejects(
      runSoftLabel({ inputs, files: answers(rows) }),
      failingWith('E_ANSWER', says),
    );
  }
  const others = answers([{ id: 'x', label: 'class 1' }]);
  await assert.rejects(
    runSoftLabel({ inputs, files: others }),
    failingWith('E_ANSWERS_OTHERS', 'none of 1 answers'),
  );
});

test('the own id of the corpus finds a row, in a column of any name', async () => {
  const rows = allRows.map((row) =>
    row % 2 === 0
      ? { key: `source-${row}`, votes: ['class 1', 'class 1', 'class 2'] }
      : { sentence: `not its text`, example_id: idOf(row), label: 'class 0' },
  );
  const config = { keep: 'all', answers: { columns: { text: 'sentence', id: 'key' } } };
  const run = await runSoftLabel({ inputs, files: answers(rows), config });
  const { rows: kept } = await rowsOf(run, 'train');
  const first = kept.logits.subarray(0, 6);
  assert.ok((first[1] ?? 0) > (first[2] ?? 0) && (first[2] ?? 0) > (first[0] ?? 0));
});
