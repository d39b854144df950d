import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { writeClasses } from '#datasets/classes.ts';
import { SPLITS } from '#datasets/example.ts';
import { writeExamples } from '#datasets/examples.ts';
import { writeLabels } from '#datasets/labels.ts';
import { takeRows, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { topClasses } from '#datasets/soft-labels/top-classes.ts';
import { cacheViews } from '#pipeline/caches/cache-views.ts';
import { askSql } from '#tests/support/ask-sql.ts';
import {
  SAMPLE_KINDS,
  type SampleKind,
  sampleMeta,
  sampleRows,
} from '#tests/support/soft-label-sample.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const ROWS = 6;

for (const kind of SAMPLE_KINDS) {
  test(`soft_labels shows classes, names and confidence of a ${kind} cache`, async () => {
    const { meta, rows, ask } = await cacheOf(kind);
    const found = await ask(
      'SELECT example_id, top_ids[1], top_names[1], top_label, confidence, entropy_nats, gold_label FROM soft_labels',
      meta.perToken ? 'example_id, position' : 'example_id',
    );
    const { classIds, confidences } = topClasses(rows, meta);
    found.forEach(([exampleId, id, name, label, confidence, entropy, gold], row) => {
      const className = meta.classNames[classIds[row] ?? -1];
      assert.deepEqual(
        [exampleId, id, name, label],
        [rows.exampleIds[row], classIds[row], className, className],
      );
      near(confidence, confidences[row], kind === 'small' ? 0.02 : 1e-3);
      assert.equal(entropy, rows.entropyNats[row]);
      assert.equal(gold, exampleId === rows.exampleIds[0] ? meta.classNames[1] : null);
    });
  });
}

for (const kind of ['compact', 'small'] as const) {
  test(`a ${kind} top k adds up to 1 - tail in SQL too, at every temperature`, async () => {
    const { ask } = await cacheOf(kind);
    for (const [name, t] of [
      ['t1_5', 1.5],
      ['t4', 4],
    ] as const) {
      const found = await ask(
        `SELECT list_sum(list_transform(top_logits, lambda z: exp(z / ${t} - log_sum_exp_${name}))) + exp(tail_log_mass_${name}) FROM soft_labels`,
      );
      for (const [total] of found) near(total, 1, 1e-5);
    }
    const sql =
      'SELECT confidence + exp(top_logits[2] - top_logits[1]) * confidence + exp(tail_log_mass_t1) FROM soft_labels';
    for (const [total] of await ask(sql)) near(total, 1, 1e-5);
  });
}

test('the log-probability of the gold class is told where it was kept', async () => {
  const { meta, rows, ask } = await cacheOf('dense');
  const [[found]] = (await ask(
    `SELECT gold_log_prob FROM soft_labels WHERE gold_label IS NOT NULL`,
  )) as [[number]];
  near(found, (rows.logits[1] ?? 0) - (rows.logSumExp[0]?.[0] ?? 0), 1e-5);
  assert.equal(meta.mode, 'dense');
});

/** A store with one labelled row and a cache of this kind, and a way to ask. */
async function cacheOf(kind: SampleKind) {
  const root = temporaryFolder('decant-views');
  const [prepare, softLabel] = [artifactAt(join(root, 'prepare')), artifactAt(join(root, 'soft'))];
  const meta = sampleMeta(kind);
  const rows = sampleRows(meta, ROWS);
  const [exampleId = ''] = rows.exampleIds;
  await writeClasses(outputFolder(prepare.folder, 'classes'), meta.classNames);
  for (const split of SPLITS) {
    const isTrain = split === 'train';
    const label = { exampleId, labelId: 1, label: meta.classNames[1] ?? '', weight: 1 };
    await writeExamples(outputFolder(prepare.folder, `inputs/${split}`), []);
    await writeLabels(outputFolder(prepare.folder, `labels/${split}`), isTrain ? [label] : []);
    const path = join(outputFolder(softLabel.folder, `rows/${split}`), 'part-00000.parquet');
    await writeSoftLabelShard(path, isTrain ? rows : takeRows(rows, []), meta);
  }
  const views = await cacheViews(
    new Map([
      ['prepare', prepare],
      ['soft-label', softLabel],
    ]),
  );
  const ask = async (sql: string, order = 'ALL') => askSql(views, `${sql} ORDER BY ${order}`);
  return { meta, rows, ask };
}

function artifactAt(folder: string): Artifact {
  return {
    folder,
    manifest: {
      schemaVersion: 1,
      instance: 'none',
      fingerprint: 'none',
      recipe: {},
      inputs: {},
      outputs: {},
      counts: {},
      environment: {},
      startedAt: '',
      finishedAt: '',
    },
  };
}

function near(found: unknown, expected: number | undefined, tolerance: number): void {
  assert.ok(
    Math.abs(Number(found) - (expected ?? Number.NaN)) <= tolerance,
    `${String(found)} is not ${expected}`,
  );
}
