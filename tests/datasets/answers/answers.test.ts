import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, readAnswers } from '#datasets/answers/answers.ts';
import { exampleIdOf } from '#datasets/example-id.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
const columns = { text: 'text', id: 'id' };

async function answersIn(path: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for await (const answer of readAnswers([path], columns)) answers.push(answer);
  return answers;
}

function file(...rows: readonly unknown[]): string {
  return corpusFile(folder, `${Math.random()}.jsonl`, jsonLines(rows));
}

test('an answer is about a text by its example id, by itself or by the own id of the corpus', async () => {
  const exampleId = exampleIdOf('a text');
  const found = await answersIn(
    file(
      { example_id: exampleId, text: 'another', label: 'a' },
      { text: 'a text', id: 'not looked at', label: 'a' },
      { id: 7, label: 'a' },
    ),
  );
  assert.deepEqual(
    found.map(({ about }) => about),
    [{ exampleId }, { exampleId }, { sourceId: '7' }],
  );
});

test('an answer is a label, votes, probabilities or best log-probabilities; other keys are for people', async () => {
  const found = await answersIn(
    file(
      { id: '1', label: 'a', model: 'gpt', votes: null },
      { id: '2', votes: ['a', 'b', 'a'] },
      { id: '3', probabilities: { a: 0.9, b: 0.1 } },
      { id: '4', probabilities: [0.25, 0.75] },
      { id: '5', log_probs: { a: -0.1 } },
    ),
  );
  assert.deepEqual(
    found.map(({ saying }) => saying),
    [
      { type: 'label', label: 'a' },
      { type: 'votes', labels: ['a', 'b', 'a'] },
      {
        type: 'probabilities',
        values: new Map([
          ['a', 0.9],
          ['b', 0.1],
        ]),
      },
      { type: 'probabilities', values: [0.25, 0.75] },
      { type: 'log-probs', values: new Map([['a', -0.1]]) },
    ],
  );
});

test('labels may stand in CSV, and packed files are unpacked', async () => {
  const csv = corpusFile(folder, 'answers.csv.gz', 'id,label\n1,a\n2,b\n');
  const labels = (await answersIn(csv)).map(({ saying }) => saying);
  assert.deepEqual(labels, [
    { type: 'label', label: 'a' },
    { type: 'label', label: 'b' },
  ]);
});

test('a row that cannot be used is named with its file and line', async () => {
  const good = { id: '1', label: 'a' };
  const wrong: readonly (readonly [row: unknown, says: string])[] = [
    [{ id: '2' }, 'it has no answer'],
    [{ id: '2', label: 'a', votes: ['a'] }, 'it has label and votes'],
    [{ label: 'a' }, 'which text it is about'],
    [{ id: '2', votes: 'a' }, 'no list of labels'],
    [{ id: '2', probabilities: { a: 0.5, b: 0.4 } }, 'add up to 0.9, not to 1'],
    [{ id: '2', probabilities: { a: 1.5, b: -0.5 } }, 'no probability'],
    [{ id: '2', probabilities: { a: null, b: 1 } }, 'probabilities of "a" is null'],
    [{ id: '2', probabilities: ['1'] }, 'is "1", no finite number'],
    [{ id: '2', log_probs: { a: 0.9, b: 0.1 } }, 'more than 1'],
    [{ id: '2', log_probs: [-1, -2] }, 'no object of class names'],
  ];
  for (const [row, says] of wrong) {
    const path = file(good, row);
    await assert.rejects(answersIn(path), failingWith('E_ANSWER', 'line 2', says));
  }
  const nan = corpusFile(folder, 'nan.jsonl', '{"id": "1", "probabilities": {"a": NaN}}\n');
  await assert.rejects(answersIn(nan), failingWith('E_ANSWER', 'nan.jsonl line 1'));
});
