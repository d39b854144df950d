import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAnswers, type Saying } from '#datasets/answers/answers.ts';
import { valueFormOf } from '#datasets/corpus/value-labels.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
const columns = { text: 'text', id: 'id' };

async function sayingsIn(
  path: string,
  task: 'multi-label' | 'regression',
  separator?: string,
): Promise<Saying[]> {
  const sayings: Saying[] = [];
  for await (const { saying } of readAnswers([path], columns, valueFormOf(task, separator))) {
    sayings.push(saying);
  }
  return sayings;
}

/** Rows with these answers and an id each. */
function file(...answers: readonly object[]): string {
  const rows = answers.map((answer, id) => ({ id, ...answer }));
  return corpusFile(folder, `${Math.random()}.jsonl`, jsonLines(rows));
}

test('of several labels an answer names those that are there, once or several times, or tells probabilities', async () => {
  const found = await sayingsIn(
    file(
      { label: ['b', 'a', 'b'] },
      { label: [] },
      { label: 'a, c' },
      { votes: [['a', 'b'], 'a', []] },
      { probabilities: { a: 0.9, b: 0.8 } },
      { probabilities: [0.9, 0.8] },
    ),
    'multi-label',
  );
  const values = new Map([
    ['a', 0.9],
    ['b', 0.8],
  ]);
  assert.deepEqual(found, [
    { type: 'label-sets', votes: [['a', 'b']] },
    { type: 'label-sets', votes: [[]] },
    { type: 'label-sets', votes: [['a', 'c']] },
    { type: 'label-sets', votes: [['a', 'b'], ['a'], []] },
    { type: 'label-probabilities', values },
    { type: 'label-probabilities', values: [0.9, 0.8] },
  ]);
});

test('of regression an answer is a number or several, once or several times', async () => {
  const found = await sayingsIn(
    file(
      { label: 3.5 },
      { label: '4' },
      { label: [1, 2] },
      { votes: [3, '4', 5.5] },
      {
        votes: [
          [1, 2],
          [3, 4],
        ],
      },
    ),
    'regression',
  );
  const votes = [
    [[3.5]],
    [[4]],
    [[1, 2]],
    [[3], [4], [5.5]],
    [
      [1, 2],
      [3, 4],
    ],
  ];
  assert.deepEqual(
    found,
    votes.map((one) => ({ type: 'numbers', votes: one })),
  );
});

test('a cell of a table is parted as a label of the corpus is', async () => {
  const labels = corpusFile(folder, 'labels.csv', 'id,label\n1,a|b\n2,c\n');
  assert.deepEqual(await sayingsIn(labels, 'multi-label', '|'), [
    { type: 'label-sets', votes: [['a', 'b']] },
    { type: 'label-sets', votes: [['c']] },
  ]);
  const numbers = corpusFile(folder, 'numbers.csv', 'id,label\n1,0.5;2\n');
  assert.deepEqual(await sayingsIn(numbers, 'regression', ';'), [
    { type: 'numbers', votes: [[0.5, 2]] },
  ]);
});

test('what is no answer of the task is named with its file, its line and what to write', async () => {
  const wrong = [
    ['multi-label', { log_probs: { a: -1 } }, 'log_probs are of classes of which one is right'],
    ['multi-label', { votes: 'a' }, 'votes is no list'],
    ['multi-label', { votes: [['a'], ''] }, 'one of its votes is empty'],
    ['multi-label', { label: [{ a: 1 }] }, 'instead of a class'],
    ['multi-label', { probabilities: { a: 1.5 } }, '1.5 is no probability'],
    ['multi-label', { label: ['a'], votes: [['a']] }, 'it has label and votes'],
    ['regression', { label: 'high' }, 'high: text instead of a number'],
    ['regression', { label: [] }, 'it has no number'],
    ['regression', { votes: [[1, 2], [3]] }, 'votes of 2 and 1 numbers'],
    ['regression', { probabilities: { a: 1 } }, 'probabilities are of classes'],
  ] as const;
  for (const [task, answer, says] of wrong) {
    const good = task === 'regression' ? { label: 1 } : { label: ['a'] };
    const read = sayingsIn(file(good, answer), task);
    await assert.rejects(read, failingWith('E_ANSWER', 'line 2', says));
  }
});
