import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SPLITS } from '#datasets/example.ts';
import { brokenRows } from '#datasets/row-invariants.ts';
import { binaryEntropy, sigmoid } from '#stages/numerics/binary.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  CLASS_COUNT,
  corpusOf,
  idOf,
  near,
  rowsOf,
  runSoftLabel,
  writeCorpus,
} from './small-run.ts';

const folder = temporaryFolder();
const corpus = corpusOf(6, 1, 1);
const inputs = await writeCorpus(corpus);
const outputs = await writeCorpus(corpus, { classNames: ['price', 'clicks'] });
const ids = SPLITS.flatMap((split) => corpus[split]).map(idOf);

type Options = Parameters<typeof runSoftLabel>[0];

/** A run whose teacher has said these things of the first rows, and of the others the last of them. */
function answered(task: string, says: readonly object[], options: Options = {}) {
  const rows = ids.map((example_id, row) => ({
    example_id,
    ...says[Math.min(row, says.length - 1)],
  }));
  return run(task, rows, options);
}

function run(task: string, rows: readonly object[], options: Options = {}) {
  const files = { answers: [corpusFile(folder, `${Math.random()}.jsonl`, jsonLines(rows))] };
  return runSoftLabel({ inputs, files, ...options, config: { task, ...options.config } });
}

test('labels, votes and probabilities of several labels become the logits of each, and rows are sound', async () => {
  const half = Array.from({ length: CLASS_COUNT }, () => 0.5);
  const done = await answered('multi-label', [
    { label: ['class 1', 'class 4'] },
    { label: [] },
    { votes: [['class 1'], ['class 1', 'class 2'], ['class 1']] },
    { probabilities: [0.25, ...half.slice(1)] },
    {
      probabilities: {
        ...Object.fromEntries(half.map((p, id) => [`class ${id}`, p])),
        'class 5': 0,
      },
    },
  ]);
  const { rows, meta } = await rowsOf(done, 'train');
  assert.deepEqual([meta.task, meta.mode, meta.runtime], ['multi-label', 'dense', 'answers']);
  const yes = (row: number, id: number) =>
    sigmoid(rows.logits[row * CLASS_COUNT + id] ?? Number.NaN);
  for (const id of [1, 4]) near(yes(0, id), 0.95, 1e-6);
  for (const id of [0, 2, 3, 5]) near(yes(0, id), 0.05, 1e-6);
  near(yes(1, 1), 0.05, 1e-6);
  // Three votes and a prior of a ninth: (3 + 1/18) / (3 + 1/9), and one vote of three.
  near(yes(2, 1), (3 + 1 / 18) / (3 + 1 / 9), 1e-6);
  near(yes(2, 2), (1 + 1 / 18) / (3 + 1 / 9), 1e-6);
  near(yes(3, 0), 0.25, 1e-6);
  near(yes(3, 5), 0.5, 1e-6);
  assert.ok(yes(4, 5) > 0 && yes(4, 5) < 1e-4);
  const first = [...rows.logits.subarray(0, CLASS_COUNT)];
  near(
    rows.entropyNats[0],
    first.reduce((sum, logit) => sum + binaryEntropy(logit), 0),
    1e-5,
  );
  assert.deepEqual(brokenRows(rows, meta, 'train', new Set()), []);
  assert.match(done.notes.join('\n'), /answers: 3 lists of labels, 5 probabilities of labels/);
  assert.equal(done.counts['teacherRows'], 0);
});

test('a number stays as it is, and of several answers the mean is kept, output by output', async () => {
  const done = await answered(
    'regression',
    [
      { label: [1, -2] },
      {
        votes: [
          [1, 10],
          [2, 20],
          [6, 30],
        ],
      },
      { label: [0, 1e6] },
    ],
    { inputs: outputs },
  );
  const { rows, meta } = await rowsOf(done, 'train');
  assert.deepEqual([meta.task, meta.classNames], ['regression', ['price', 'clicks']]);
  assert.deepEqual([...rows.logits.subarray(0, 6)], [1, -2, 3, 20, 0, 1e6]);
  assert.ok(rows.entropyNats.every((entropy) => entropy === 0));
  assert.deepEqual(brokenRows(rows, meta, 'train', new Set()), []);
});

test('rows without an answer are an error, or are left out and counted, as of a class', async () => {
  const some = ids.slice(1).map((example_id) => ({ example_id, label: ['class 1'] }));
  await assert.rejects(
    run('multi-label', some),
    failingWith('E_ANSWERS_MISSING', '1 of 8 rows have no answer', idOf(0)),
  );
  const left = await run('multi-label', some, { config: { answers: { missing: 'skip' } } });
  assert.equal(left.counts['unanswered'], 1);
  assert.equal((await rowsOf(left, 'train')).rows.rowCount, 5);
});

test('an answer that does not fit the classes or outputs is named with its line', async () => {
  const refused = [
    ['multi-label', { label: ['class 1', 'clas 3'] }, 'line 1: "clas 3" is none of the 6 classes'],
    ['multi-label', { probabilities: [0.1, 0.2] }, 'a list of 2 probabilities for 6 classes'],
    [
      'multi-label',
      { probabilities: { 'class 1': 1 } },
      'no probability of "class 0" and 4 others',
    ],
    ['regression', { label: [1, 2] }, 'line 1: 2 numbers for 6 outputs'],
  ] as const;
  for (const [task, says, problem] of refused) {
    await assert.rejects(answered(task, [says]), failingWith('E_ANSWER', problem));
  }
  const twice = [...ids, ids[0]].map((example_id) => ({ example_id, label: ['class 1'] }));
  await assert.rejects(
    run('multi-label', twice),
    failingWith('E_ANSWER', 'line 9: a second answer'),
  );
});
