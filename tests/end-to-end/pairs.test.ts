import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { exampleIdOf } from '#datasets/example-id.ts';
import { readPredictions } from '#datasets/predictions.ts';
import type { MonitorFindings } from '#pipeline/commands/monitor.ts';
import { openStudent } from '#stages/students/open-student.ts';
import { loadStudent } from '#stages/students/student-service.ts';
import { decant } from '#tests/support/decant-in.ts';
import { type FinishedProject, finished, succeed } from '#tests/support/exported-students.ts';
import { failureOf } from '#tests/support/failure.ts';
import { miniProject } from '#tests/support/mini-project.ts';

describe('a student of pairs of texts', () => {
  let run: FinishedProject;
  let student: string;
  let asked: readonly Pair[];
  const predict = (args: readonly string[], input: string) =>
    decant(run.project.folder, ['predict', '--student', student, ...args], input);

  before(async () => {
    const project = miniProject({
      corpus: {
        train: 'train.jsonl',
        validation: 'held-out.jsonl',
        test: 'tested.jsonl',
        columns: { textPair: 'question' },
      },
      student: { architecture: 'bag', hiddenSize: 16, steps: 20, evaluateEvery: 20 },
      variants: { distilled: {} },
      'hard-relabel': undefined,
    });
    const rows = readFileSync(project.path('validation.jsonl'), 'utf8').trimEnd().split('\n');
    const pairs = rows.map((line, row): Pair => {
      const { text, label } = JSON.parse(line) as { text: string; label: string };
      return { text: `${row} ${text}`, question: `is it ${rows.length - row}?`, label };
    });
    for (const [name, from, to] of [
      ['train', 0, 40],
      ['held-out', 40, 60],
      ['tested', 60, 80],
    ] as const) {
      writeFileSync(project.path(`${name}.jsonl`), jsonLines(pairs.slice(from, to)));
    }
    asked = pairs.slice(40, 60);
    await succeed(project, 'run', '--to', 'export-student');
    run = finished(project);
    student = run.artifact('export-student:distilled', 'student');
  });

  test('predict says of each pair what the student said of it in training', async () => {
    const folder = run.artifact('train-student:distilled', 'predictions');
    const { exampleIds, confidence } = await readPredictions(folder, 'validation');
    const args = ['--format', 'jsonl', '--pair-column', 'question', '--json'];
    const { status, stdout, stderr } = predict(args, jsonLines(asked));
    assert.equal(status, 0, stderr);
    const answers = parsed(stdout);
    assert.equal(answers.length, exampleIds.length);
    for (const [row, answer] of answers.entries()) {
      assert.equal(answer.text_pair, asked[row]?.question);
      const place = exampleIds.indexOf(exampleIdOf(answer.text, answer.text_pair));
      const difference = Math.abs(answer.confidence - (confidence[place] ?? Number.NaN));
      assert.ok(difference < 1e-4, `${answer.text}: ${difference}`);
    }
  });

  test('what predict wrote has not drifted, and without the second texts it is refused', () => {
    const args = ['--format', 'jsonl', '--pair-column', 'question', '--json'];
    const { stdout } = predict(args, jsonLines(asked));
    const monitor = (input: string) =>
      decant(run.project.folder, ['monitor', '-', '--student', student, '--json'], input);
    const calm = monitor(stdout);
    assert.equal(calm.status, 0, calm.stderr);
    const { watched } = JSON.parse(calm.stdout) as MonitorFindings;
    assert.equal(watched.find(({ what }) => what === 'length')?.psi, 0);
    const single = monitor(stdout.replaceAll('"text_pair"', '"other"'));
    assert.equal(single.status, 3);
    assert.match(single.stderr, /line 1: has a "text" and no "text_pair".*learned from pairs/);
  });

  test('tables show both texts, and each word of both has its share in the label', () => {
    const table = 'text,text_pair\nlost my card,is it?\n';
    const { status, stdout, stderr } = predict(['--format', 'csv', '--explain'], table);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^\w+\t0\.\d+\tlost my card\tis it\?\tlost\(\S+\) my\(\S+\) card\(\S+\) is\(\S+\) it\?\(\S+\)\n$/,
    );
  });

  test('lines, and tables without the second text, are refused with the way out', () => {
    const lines = predict([], 'lost my card\n');
    assert.deepEqual([lines.status, lines.stdout], [2, '']);
    assert.match(lines.stderr, /learned from pairs[^]*--format csv, tsv or jsonl/);
    const table = predict(['--format', 'csv'], 'text,question\nlost my card,is it?\n');
    assert.equal(table.status, 3);
    assert.match(table.stderr, /stdin, line 2: has no "text_pair".*[^]*--pair-column NAME/);
  });

  test('in a program pairs are answered as predict does, and a single text is refused by its place', async () => {
    const pair = { text: 'lost my card', textPair: 'is it?' };
    const here = await openStudent(student, { threads: 1 });
    const service = await loadStudent(student);
    try {
      const [expected, turned] = await here.classify([
        pair,
        { text: pair.textPair, textPair: `${pair.text} and more` },
      ]);
      const wrong = failureOf(service.classify([pair, 'lost my card']));
      const [answer] = await service.classify([pair]);
      assert.equal(answer?.confidence, expected?.confidence);
      assert.notEqual(answer?.confidence, turned?.confidence);
      for (const failure of [await wrong, await failureOf(here.classify([pair, 'lost']))]) {
        assert.equal(failure.code, 'E_STUDENT_TEXT');
        assert.match(failure.message, /learned from pairs of texts, and texts\[1\] is a single/);
        assert.match(failure.fix, /\{ text, textPair \}/);
      }
    } finally {
      await Promise.all([here.close(), service.close()]);
    }
  });

  test('the card and config.json say what it reads', () => {
    const read = (name: string) => readFileSync(`${student}/${name}`, 'utf8');
    assert.deepEqual(JSON.parse(read('config.json')).decant, { text_pairs: true });
    assert.match(read('README.md'), /A small classifier of pairs of texts [^]*"text_pair"/);
  });
});

interface Pair {
  readonly text: string;
  readonly question: string;
  readonly label: string;
}

interface Answer {
  readonly text: string;
  readonly text_pair: string;
  readonly confidence: number;
}

function parsed(stdout: string): Answer[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
