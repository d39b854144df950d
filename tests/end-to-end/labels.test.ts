import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { openColumns } from '#datasets/corpus/open-corpus.ts';
import { exampleIdOf } from '#datasets/example-id.ts';
import { csvText } from '#pipeline/labels/csv-file.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { filesHolding } from '#tests/support/store-texts.ts';

type Cells = Record<string, string>;

interface CorpusLine {
  readonly id: string;
  readonly text: string;
  readonly label: string;
}

async function readCsv(path: string): Promise<Cells[]> {
  const rows: Cells[] = [];
  for await (const found of openColumns(path)) {
    assert.ok(!('type' in found), JSON.stringify(found));
    rows.push(found.values as Cells);
  }
  return rows;
}

function writeRows(path: string, rows: readonly Cells[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => row[column] ?? ''));
  writeFileSync(path, csvText({ columns, rows: cells, isSpreadsheetSafe: false }));
}

function changeConfig(project: MiniProject, change: (corpus: Record<string, unknown>) => void) {
  const config = parse(readFileSync(project.path('decant.yaml'), 'utf8'));
  change(config.corpus);
  writeFileSync(project.path('decant.yaml'), stringify(config));
}

function stagesOf(project: MiniProject) {
  return JSON.parse(readFileSync(project.path('.decant', 'last-run.json'), 'utf8')).stages;
}

function linesOf(project: MiniProject, file: string): CorpusLine[] {
  const lines = readFileSync(project.path(file), 'utf8').trimEnd().split('\n');
  return lines.map((line): CorpusLine => JSON.parse(line));
}

describe('labels that people look at', () => {
  let project: MiniProject;
  let planted: readonly CorpusLine[];

  before(async () => {
    // A student that has learned something: its doubt counts as much as the teacher's.
    const training = { steps: 300, evaluateEvery: 100, checkpointEvery: 100 };
    const student = { architecture: 'bag', hiddenSize: 64, ...training };
    project = smallProject({ student });
    const rows = linesOf(project, 'validation.jsonl');
    planted = ['lost_or_stolen_card', 'card_arrival'].flatMap((label) =>
      rows.filter((row) => row.label === label).slice(0, 1),
    );
    const wrong = rows.map((row) =>
      planted.includes(row) ? { ...row, label: 'exchange_rate' } : row,
    );
    writeFileSync(
      project.path('validation.jsonl'),
      wrong.map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
    await succeed(project, 'run', '--to', 'train-student');
  });

  test('wrong labels are found, by teacher and student, with what they should be', async () => {
    const { code, stderr } = await project.decant('labels', 'review', '--output', 'review.csv');
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /36 labelled validation rows; labels doubted by teacher and distilled: \d+/,
    );
    const rows = await readCsv(project.path('review.csv'));
    for (const { text, label } of planted) {
      const row = rows.find((one) => one['example_id'] === exampleIdOf(text));
      assert.ok(row !== undefined, `${text} is not among the doubtful`);
      assert.deepEqual(
        [row['text'], row['suggested_label'], row['corrected_label']],
        [text, label, ''],
      );
    }
    const margins = rows.map((row) => Number(row['margin']));
    assert.deepEqual(
      margins,
      margins.toSorted((a, b) => a - b),
    );
    const again = await project.decant('labels', 'review', '--output', 'review.csv');
    assertRefused(again, 2, /review\.csv: there is such a file/);
  });

  test('corrected, they come back as labels, no teacher row is computed, nobody is asked again', async () => {
    const rows = await readCsv(project.path('review.csv'));
    const ids = new Map(planted.map(({ text, label }) => [exampleIdOf(text), label]));
    const decided = rows.map((row) => ({
      ...row,
      corrected_label: ids.get(row['example_id'] ?? '') ?? row['gold_label'] ?? '',
    }));
    writeRows(project.path('corrected.csv'), decided);
    changeConfig(project, (corpus) => {
      corpus['corrections'] = 'corrected.csv';
    });
    await succeed(project, 'run', '--to', 'soft-label');
    const stages = stagesOf(project);
    assert.equal(stages.prepare.result.counts.corrected, rows.length);
    assert.equal(stages['soft-label'].status, 'fresh');
    const status = await succeed(project, 'status');
    assert.match(
      status,
      /train-student:distilled +stale +labels\/validation \(prepare\) changed \(/m,
    );
    const idList = [...ids.keys()].map((id) => `'${id}'`).join();
    const query = `select count(*) from labels where example_id in (${idList}) and label <> 'exchange_rate'`;
    const answer = await succeed(project, 'cache', 'sql', '--format', 'csv', query);
    assert.equal(answer.trim().split('\n')[1], '2');
    const left = await project.decant('labels', 'review');
    assert.equal(left.stdout.trim().split('\n').length, 1, left.stdout);
  });

  test('rows that are worth a label become train rows with one, and no teacher row is computed', async () => {
    await succeed(project, 'labels', 'ask', '--n', '10', '--output', 'ask.csv');
    const rows = await readCsv(project.path('ask.csv'));
    assert.equal(rows.length, 10);
    const unlabelled = new Set(linesOf(project, 'unlabelled.jsonl').map(({ text }) => text));
    assert.ok(rows.every((row) => unlabelled.has(row['text'] ?? '')));
    const margins = rows.map((row) => Number(row['margin']));
    assert.deepEqual(
      margins,
      margins.toSorted((a, b) => a - b),
    );
    writeRows(
      project.path('asked.csv'),
      rows.map((row) => ({ ...row, label: row['predicted_label'] ?? '' })),
    );
    const before = stagesOf(project).prepare.result.counts;
    changeConfig(project, (corpus) => {
      corpus['train'] = ['labelled.csv', 'unlabelled.jsonl', 'asked.csv'];
    });
    await succeed(project, 'run', '--to', 'soft-label');
    const { prepare, 'soft-label': softLabel } = stagesOf(project);
    assert.equal(prepare.result.counts.labelledRows, before.labelledRows + 10);
    assert.equal(prepare.result.counts.trainRows, before.trainRows);
    assert.equal(softLabel.result.counts.teacherRows, 0);
  });

  test('the student may be asked instead, once it is made', async () => {
    const stale = await project.decant('labels', 'ask', '--by', 'student');
    assertRefused(stale, 2, /train-student:distilled is stale or not made yet/);
  });
});

describe('a store that keeps no texts', () => {
  let project: MiniProject;
  const store = () => project.path('.decant');

  before(async () => {
    project = smallProject({ privacy: { storeTexts: false }, report: { texts: 'full' } });
    await succeed(project, 'run');
  });

  test('holds none, in no file', async () => {
    const files = ['unlabelled.jsonl', 'validation.jsonl', 'test.jsonl'];
    const texts = files.flatMap((file) => linesOf(project, file).map(({ text }) => text));
    assert.ok(texts.length > 100);
    assert.deepEqual(await filesHolding(store(), texts), []);
    const ids = linesOf(project, 'test.jsonl').map(({ text }) => exampleIdOf(text));
    assert.notDeepEqual(await filesHolding(store(), ids), []);
  });

  test('the report says so where it would show them', () => {
    const folder = join(store(), 'artifacts', 'report');
    const [name = ''] = readdirSync(folder);
    const page = readFileSync(join(folder, name, 'report', 'report.html'), 'utf8');
    assert.match(page, /not in the store \(privacy\.storeTexts: false\)/);
  });

  test('review says so, and what is asked comes back by example id', async () => {
    const review = await project.decant('labels', 'review');
    assert.match(review.stderr, /keeps no texts \(privacy\.storeTexts: false\)/);
    await succeed(project, 'labels', 'ask', '--n', '5', '--output', 'ask.csv');
    const rows = await readCsv(project.path('ask.csv'));
    writeRows(
      project.path('corrected.csv'),
      rows.map((row) => ({ ...row, corrected_label: row['predicted_label'] ?? '' })),
    );
    changeConfig(project, (corpus) => {
      corpus['corrections'] = 'corrected.csv';
    });
    const before = stagesOf(project).prepare.result.counts;
    await succeed(project, 'run', '--to', 'soft-label');
    const { prepare, 'soft-label': softLabel } = stagesOf(project);
    assert.equal(prepare.result.counts.labelledRows, before.labelledRows + 5);
    assert.equal(softLabel.status, 'fresh');
  });
});
