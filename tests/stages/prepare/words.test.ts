import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleIdOf, exampleIdOfWords } from '#datasets/example-id.ts';
import { readExamples } from '#datasets/examples.ts';
import { readTokenLabels } from '#datasets/tokens/token-labels.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { prepare } from '#stages/prepare/index.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { readJsonLines, teacherFilesOf } from '#tests/support/prepare-run.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const classNames = ['O', 'B-card', 'I-card'];

type Sentence = readonly [words: string, tags: string];

/** Runs `prepare` on sentences written as words between spaces. */
function prepareWords(
  corpus: { readonly train: readonly Sentence[]; readonly test?: readonly Sentence[] },
  config: Readonly<Record<string, unknown>> = {},
): Promise<StageRun> {
  const folder = temporaryFolder();
  const write = (name: string, sentences: readonly Sentence[]) => {
    const rows = sentences.map(([words, tags]) => ({
      tokens: words.split(' '),
      ...(tags !== '' && { labels: tags.split(' ') }),
    }));
    return [corpusFile(folder, name, jsonLines(rows))];
  };
  const id2label = Object.fromEntries(classNames.map((name, id) => [id, name]));
  const files = {
    ...teacherFilesOf('mini'),
    teacherConfig: [corpusFile(folder, 'config.json', JSON.stringify({ id2label }))],
    train: write('train.jsonl', corpus.train),
    validation: write('validation.jsonl', [['a blue card', 'O B-card I-card']]),
    test: write('test.jsonl', corpus.test ?? [['the red card', 'O B-card I-card']]),
  };
  return runStage(prepare, { config: { task: 'token-classification', ...config }, files });
}

function folder(run: StageRun, name: string): string {
  return run.outputs[name] ?? assert.fail(`no output ${name}`);
}

test('a sentence becomes one example with a label a word and the place of its first token', async () => {
  const words = ['my', 'black-card', '\u200d', 'is'];
  const run = await prepareWords({ train: [[words.join(' '), 'O B-card I-card O']] });
  const [example] = await readExamples(folder(run, 'inputs/train'));
  const exampleId = exampleIdOfWords(words);
  assert.deepEqual([example?.exampleId, example?.text], [exampleId, words.join(' ')]);
  const labels = await readTokenLabels(folder(run, 'labels/train'));
  assert.deepEqual(labels, [{ exampleId, labelIds: Int32Array.of(0, 1, 2, 0) }]);
  const [teacher, student] = await Promise.all(
    ['teacher', 'student'].map((owner) => readTokens(folder(run, `tokens/${owner}/train`))),
  );
  assert.deepEqual([...(teacher?.answers?.positions ?? [])], [0, 1, 3]);
  assert.deepEqual(student?.answers, teacher?.answers);
  assert.deepEqual(teacher?.answers?.at[0], 1);
});

test('words have another id than the text that they would make, and than words cut elsewhere', () => {
  const ids = [exampleIdOf('a b'), exampleIdOfWords(['a', 'b']), exampleIdOfWords(['a b'])];
  assert.equal(new Set([...ids, exampleIdOf('a', 'b'), exampleIdOfWords(['a', 'b', 'c'])]).size, 5);
});

test('equal sentences are merged, near-equal ones stay, and those of the test split leave train', async () => {
  const run = await prepareWords({
    train: [
      ['my card', 'O B-card'],
      ['my card', 'O O'],
      ['my card', 'O O'],
      ['My Card', 'O B-card'],
      ['my card', ''],
      ['THE red card', 'O O B-card'],
      ['no tags', ''],
    ],
  });
  const { duplicates, conflicts, leaks, trainRows, labelledRows } = run.counts;
  assert.deepEqual([duplicates, conflicts, leaks, trainRows, labelledRows], [3, 1, 1, 3, 2]);
  const labels = await readTokenLabels(folder(run, 'labels/train'));
  assert.deepEqual(
    labels.map(({ labelIds }) => [...labelIds]),
    [
      [0, 0],
      [0, 1],
    ],
  );
  const examples = await readExamples(folder(run, 'inputs/train'));
  assert.deepEqual(
    examples.map(({ weight }) => weight),
    [4, 1, 1],
  );
});

test('sentences that contradict each other can be left out, but not kept by shares', async () => {
  const train: Sentence[] = [
    ['my card', 'O B-card'],
    ['my card', 'O O'],
    ['other words', 'O O'],
  ];
  const run = await prepareWords({ train }, { onConflict: 'reject' });
  const rejects = readJsonLines(folder(run, 'rejects'), 'rejects.jsonl');
  assert.deepEqual(
    rejects.map(({ code, reason }) => [code, String(reason).slice(0, 17)]),
    [
      ['label-conflict', 'labels "O B-card"'],
      ['label-conflict', 'labels "O O", but'],
    ],
  );
  await assert.rejects(
    prepareWords({ train }, { onConflict: 'soft' }),
    failingWith('E_CORPUS_CONFLICT', 'one label a word'),
  );
});

test('an entity that goes on without a beginning is told with its place', async () => {
  const run = await prepareWords({
    train: [
      ['my card', 'O I-card'],
      ['a nice card', 'O B-card I-card'],
    ],
  });
  assert.equal(run.counts['strayTags'], 1);
  assert.match(run.notes.join('\n'), /I- without B-.*train\.jsonl line 1/);
});

test('a tag that the teacher does not know is an error with its nearest name', async () => {
  await assert.rejects(
    prepareWords({ train: [['my card', 'O B-crad']] }),
    failingWith('E_CORPUS_LABEL', '"B-crad" (train.jsonl line 1, nearest class "B-card")'),
  );
});

test('a share of validation is drawn from the labelled sentences', async () => {
  const train = Array.from({ length: 60 }, (_, row): Sentence => [`word${row} card`, 'O B-card']);
  const folderOf = temporaryFolder();
  const rows = train.map(([words, tags]) => ({
    tokens: words.split(' '),
    labels: tags.split(' '),
  }));
  const id2label = Object.fromEntries(classNames.map((name, id) => [id, name]));
  const run = await runStage(prepare, {
    config: { task: 'token-classification', validationFraction: 0.3 },
    files: {
      ...teacherFilesOf('mini'),
      teacherConfig: [corpusFile(folderOf, 'config.json', JSON.stringify({ id2label }))],
      train: [corpusFile(folderOf, 'train.jsonl', jsonLines(rows))],
      test: [corpusFile(folderOf, 'test.jsonl', jsonLines([{ tokens: ['x'], labels: ['O'] }]))],
    },
  });
  const { validationRows = 0, trainRows = 0 } = run.counts;
  assert.ok(validationRows > 8 && validationRows < 30);
  assert.equal(validationRows + trainRows, 60);
});
