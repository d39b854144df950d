import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { COUNTS, type Json, sql } from './answers.ts';

const { rowsOfSplit, allRows } = COUNTS;

/** Tests of `cache sql`. */
export function sqlAnswers(project: MiniProject): void {
  test('all six views are there and can be asked', async () => {
    const said = await succeed(project, 'cache', 'sql');
    for (const view of VIEWS) {
      assert.match(said, new RegExp(`^${view} +\\w`, 'm'));
    }
    const [counts] = await sql(
      project,
      `select ${VIEWS.map((view) => `(select count(*) from ${view}) as ${view}`).join(', ')}`,
    );
    const { examples, labels, classes, soft_labels: softLabels } = counts ?? {};
    assert.deepEqual([examples, labels, classes, softLabels], [allRows, 132, 12, allRows]);
    assert.ok(Number(counts?.['hard_labels']) > 0);
    // Two students: train and validation from the trainer, test from evaluate; the teacher: test only.
    assert.equal(counts?.['predictions'], 2 * allRows + rowsOfSplit.test);
  });

  test('gold is exact where it is kept, and bounded by the rest where it is not', async () => {
    const rows = await sql(
      project,
      `
      select gold_label, gold_kept, gold_log_prob, list_contains(top_names, gold_label) as found,
             list_position(top_names, gold_label) as place, top_probs, kept_mass,
             tail_log_mass_t1 as tail, confidence, margin
      from soft_labels where gold_label is not null`,
    );
    for (const row of rows) {
      const probs = row['top_probs'] as number[];
      assert.equal(row['gold_kept'], row['found']);
      const exact = Math.log(probs[Number(row['place']) - 1] ?? NaN);
      const bound = Math.min(Number(row['tail']), Math.log(probs.at(-1) ?? NaN));
      near(Number(row['gold_log_prob']), row['gold_kept'] === true ? exact : bound);
      near(
        Number(row['kept_mass']),
        probs.reduce((sum, p) => sum + p, 0),
      );
      near(Number(row['confidence']) - Number(row['margin']), probs[1] ?? NaN);
    }
    assert.equal(rows.length, 132);
    const [unlabelled] = await sql(
      project,
      'select count(*) as rows, count(gold_log_prob) + count(gold_kept) as known from soft_labels where gold_label is null',
    );
    assert.deepEqual(unlabelled, { rows: 40, known: 0 });
  });

  test('an answer goes to a file in any format, and stdout stays empty', async () => {
    const query = 'select class_id, class_name, [class_id] as ids from classes order by class_id';
    const answer = async (format: string) => {
      const file = project.path('answers', `classes.${format}`);
      const to = ['--format', format, '--output', file];
      assert.equal(await succeed(project, 'cache', 'sql', query, ...to), '');
      return readFileSync(file);
    };
    const objects = JSON.parse((await answer('json')).toString()) as Json[];
    assert.deepEqual(objects[1], { class_id: 1, class_name: 'card_delivery_estimate', ids: [1] });
    assert.equal(
      tableFromIPC(await answer('arrow')).get(1)?.['class_name'],
      objects[1]?.['class_name'],
    );
    await answer('parquet');
    const parquet = await duckdb(`from '${project.path('answers', 'classes.parquet')}' limit 1`);
    assert.deepEqual(parquet, [[0, 'card_arrival', [0]]]);
  });

  test('anything but one SELECT is refused', async () => {
    const output = ['--format', 'parquet', '--output', project.path('refused')];
    for (const query of ["copy (select 1) to 'x'", 'select 1; select 2']) {
      assertRefused(await project.decant('cache', 'sql', query, ...output), 2, /E_SQL/);
    }
    assert.ok(!existsSync(project.path('refused')));
  });
}

function near(value: number, expected: number): void {
  assert.ok(Math.abs(value - expected) < 1e-5, `${value} is not ${expected}`);
}

const VIEWS = ['examples', 'labels', 'classes', 'soft_labels', 'hard_labels', 'predictions'];
