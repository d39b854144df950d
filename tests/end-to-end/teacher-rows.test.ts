import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { succeed } from '#tests/support/cli-result.ts';
import { lastRun } from '#tests/support/last-run.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { smallProject } from '#tests/support/small-project.ts';

/** What the stage host counted: rows that the teacher answered, and whether the stage ran at all. */
async function asked(project: MiniProject, ...args: readonly string[]): Promise<number | 'fresh'> {
  await succeed(project, 'run', '--to', 'soft-label', ...args);
  const { status, result } = lastRun(project).stages['soft-label'] ?? {};
  return status === 'fresh' ? 'fresh' : (result?.counts['teacherRows'] ?? -1);
}

describe('rows that meet the teacher', () => {
  let project: MiniProject;
  let rows: number;

  const edit = (file: string, change: (lines: string[]) => string[]) => {
    const lines = readFileSync(project.path(file), 'utf8').trimEnd().split('\n');
    writeFileSync(project.path(file), `${change(lines).join('\n')}\n`);
  };

  before(async () => {
    project = smallProject();
    const first = await asked(project);
    assert.ok(typeof first === 'number' && first > 150);
    rows = first;
  });

  test('are none when nothing has changed', async () => {
    assert.equal(await asked(project), 'fresh');
  });

  test('are the appended ones', async () => {
    const fresh = Array.from({ length: 7 }, (_, row) =>
      JSON.stringify({ text: `what is the fee of transfer number ${row}` }),
    );
    edit('unlabelled.jsonl', (lines) => [...lines, ...fresh]);
    const dry = await succeed(project, 'run', '--dry-run', '--json', '--to', 'soft-label');
    const { stages } = JSON.parse(dry) as { stages: { stage: string; teacherRows?: number }[] };
    assert.equal(stages.find(({ stage }) => stage === 'soft-label')?.teacherRows, 7);
    assert.equal(await asked(project), 7);
    rows += 7;
  });

  test('are none when rows are deleted', async () => {
    edit('unlabelled.jsonl', (lines) => lines.slice(0, -3));
    assert.equal(await asked(project), 0);
    const { rowsGone, rowsReused } = lastRun(project).stages['soft-label']?.result?.counts ?? {};
    assert.deepEqual({ rowsGone, rowsReused }, { rowsGone: 3, rowsReused: rows - 3 });
  });

  test('are none when a label is corrected', async () => {
    edit('labelled.csv', (lines) =>
      lines.map((line) => line.replace(/,card_arrival$/, ',card_delivery_estimate')),
    );
    assert.equal(await asked(project), 'fresh');
  });

  test('are none when rows are put into another order', async () => {
    edit('labelled.csv', ([header = '', ...lines]) => [header, ...lines.toReversed()]);
    assert.equal(await asked(project), 0);
  });

  test('are none when a file is renamed', async () => {
    renameSync(project.path('unlabelled.jsonl'), project.path('more.jsonl'));
    edit('decant.yaml', (lines) => lines.map((line) => line.replace('unlabelled', 'more')));
    assert.equal(await asked(project), 'fresh');
  });

  test('are none when a row moves to another split', async () => {
    const [moved = ''] = readFileSync(project.path('validation.jsonl'), 'utf8').split('\n');
    edit('validation.jsonl', (lines) => lines.slice(1));
    edit('test.jsonl', (lines) => [...lines, moved]);
    assert.equal(await asked(project), 0);
  });

  test('are those that another leak rule lets in', async () => {
    const [first = ''] = readFileSync(project.path('test.jsonl'), 'utf8').split('\n');
    const { text } = JSON.parse(first) as { text: string };
    edit('more.jsonl', (lines) => [
      ...lines,
      JSON.stringify({ text: `${text.toUpperCase()} !!!` }),
    ]);
    assert.equal(await asked(project), 'fresh');
    assert.equal(await asked(project, '--set', 'corpus.leaks=exact'), 1);
  });

  test('are none when settings change that say nothing about them', async () => {
    for (const setting of ['student.steps=9', 'seed=5', 'report.title=x']) {
      assert.equal(await asked(project, '--set', setting), 'fresh', setting);
    }
  });

  test('are none when the provider, threads or batches change', async () => {
    for (const setting of ['device=cpu', 'threads=1', 'soft-label.tokenBudget=512']) {
      assert.equal(await asked(project, '--set', setting), 'fresh', setting);
    }
  });
});
