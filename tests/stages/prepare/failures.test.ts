import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepare } from '#stages/prepare/index.ts';
import { failureOf } from '#tests/support/failure.ts';
import { prepareRows, sampleFiles, smallCorpus } from '#tests/support/prepare-run.ts';
import { runStage } from '#tests/support/run-stage.ts';

test('more bad rows than allowed refuse the corpus and name the first', async () => {
  const train = [...smallCorpus.train, { text: '' }];
  const failure = await failureOf(prepareRows({ ...smallCorpus, train }));
  assert.equal(failure.code, 'E_CORPUS_REJECTS');
  assert.match(
    failure.message,
    /1 of 6 rows \(16\.7 %\).*train\.jsonl line 4, text: nothing but white space/,
  );
});

test('a label that the teacher does not know fails with its place and the nearest class', async () => {
  const train = [...smallCorpus.train, { text: 'new', label: 'card_arival' }];
  const failure = await failureOf(prepareRows({ ...smallCorpus, train }));
  assert.match(
    failure.message,
    /"card_arival" \(train\.jsonl line 4, nearest class "card_arrival"\)/,
  );
});

test('splits that cannot be filled are told before anything is read', async () => {
  const { validation: _, ...open } = sampleFiles('mini');
  for (const [files, config, words] of [
    [{ ...sampleFiles('mini'), train: [] }, {}, /corpus\.train names no file/],
    [{ ...sampleFiles('mini'), test: [] }, {}, /corpus\.test names no file/],
    [open, {}, /corpus\.validation names no file and no fraction/],
    [sampleFiles('mini'), { validationFraction: 0.1 }, /files and a fraction/],
  ] as const) {
    const failure = await failureOf(runStage(prepare, { files, config }));
    assert.deepEqual([failure.kind, failure.code], ['usage', 'E_CORPUS_SPLITS']);
    assert.match(failure.message, words);
  }
});

test('an empty corpus, and one that only repeats the test split, are failures', async () => {
  const empty = await failureOf(prepareRows({ ...smallCorpus, train: [] }));
  assert.deepEqual([empty.kind, empty.code], ['data', 'E_CORPUS_EMPTY']);
  assert.match(empty.message, /train\.jsonl: no train row is there/);
  const repeated = await failureOf(prepareRows({ ...smallCorpus, train: smallCorpus.test }));
  assert.match(repeated.message, /no train row is left: all 1 also stand in another split/);
});

test('a teacher without tokenizer is refused', async () => {
  const failure = await failureOf(prepareRows(smallCorpus, { files: { teacherTokenizer: [] } }));
  assert.deepEqual([failure.kind, failure.code], ['model', 'E_TEACHER_FILES']);
  assert.match(failure.message, /tokenizer\.json/);
});
