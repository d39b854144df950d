import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decant } from '#tests/support/decant-in.ts';
import { teacherAsStudent } from '#tests/support/teacher-as-student.ts';

const folder = teacherAsStudent();
const predict = (args: readonly string[], input: string) =>
  decant(folder, ['predict', '--student', folder, ...args], input);

test('more lines than one thread is given come out in their order', () => {
  const lines = Array.from({ length: 1100 }, (_, line) =>
    line % 2 === 0 ? `lost my card ${line}` : `where is my card? ${line}`,
  );
  const { status, stdout, stderr } = predict(['--top', '2', '--threads', '2'], lines.join('\r\n'));
  assert.equal(status, 0, stderr);
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  assert.deepEqual(
    rows.map((row) => row.at(-1)),
    lines,
  );
  assert.ok(rows.every((row) => row.length === 5 && Number(row[1]) >= Number(row[3])));
  assert.equal(rows.filter(([label]) => label === 'lost_or_stolen_card').length > 500, true);
});

test('JSON Lines keep their ids, and each word says what it adds to the label', () => {
  const rows = [
    { id: 7, text: 'lost my card' },
    { id: 'b', text: 'what is the exchange rate' },
  ];
  const input = rows.map((row) => `${JSON.stringify(row)}\n`).join('\n');
  const { status, stdout, stderr } = predict(['--format', 'jsonl', '--json', '--explain'], input);
  assert.equal(status, 0, stderr);
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
  assert.deepEqual(
    answers.map(({ id }) => id),
    ['7', 'b'],
  );
  const [lost] = answers;
  assert.equal(lost?.label, 'lost_or_stolen_card');
  assert.deepEqual(
    lost?.words.map(({ word }) => word),
    ['lost', 'my', 'card'],
  );
  const best = lost?.words.toSorted((a, b) => b.score - a.score)[0];
  assert.equal(best?.word, 'lost');
});

test('a table without the column is refused with its line and the columns that there are', () => {
  const { status, stdout, stderr } = predict(['--format', 'csv'], 'id,question\n1,where?\n');
  assert.equal(status, 3);
  assert.equal(stdout, '');
  assert.match(stderr, /stdin, line 2: has no "text".*question[^]*--column NAME/);
});

test('a second text for a student of single ones is refused, not passed over', () => {
  const args = ['--format', 'csv', '--pair-column', 'answer'];
  const { status, stdout, stderr } = predict(args, 'text,answer\nwhere?,there\n');
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /learned from single ones[^]*leave out --pair-column/);
});

interface Answer {
  readonly id: string;
  readonly label: string;
  readonly words: readonly { readonly word: string; readonly score: number }[];
}
