import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  openSoftLabels,
  type SoftLabelMeta,
  type SoftLabelRows,
  takeRows,
  temperatureIndex,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { folderOf, readAll, root } from '#tests/support/soft-label-folders.ts';
import { type SampleKind, sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';

test('shards of different runs are refused, and the field is named', async () => {
  const meta = sampleMeta('top-k');
  const rows = sampleRows(meta, 2);
  const refuses = async (other: SoftLabelMeta, message: RegExp) => {
    const folder = await folderOf([
      [rows, meta],
      [rows, other],
    ]);
    await assert.rejects(openSoftLabels(folder), (error) => {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'E_SOFT_LABELS_MIXED');
      assert.match(error.message, message);
      return true;
    });
  };
  await refuses(
    { ...meta, provider: 'cuda' },
    /part-00001.*: provider is "cuda", but "cpu" in .*part-00000/,
  );
  await refuses({ ...meta, teacherDigest: 'c' }, /teacherDigest/);
  await refuses({ ...meta, classNames: meta.classNames.toReversed() }, /classNames/);
  await refuses({ ...meta, maxLength: 32 }, /maxLength is 32, but 64/);
});

test('a folder without shards is refused', async () => {
  await assert.rejects(openSoftLabels(join(root, 'nowhere')), /nowhere: the folder is missing/);
  await assert.rejects(openSoftLabels(root), /no part-\*\.parquet/);
});

test('rows that contradict the metadata are refused before a file is made', async () => {
  const meta = sampleMeta('top-k');
  const rows = sampleRows(meta, 2);
  const path = join(root, 'refused', 'part-00000.parquet');
  const refuses = (broken: SoftLabelRows, message: RegExp) =>
    assert.rejects(writeSoftLabelShard(path, broken, meta), message);
  await refuses({ ...rows, rowCount: 3 }, /column "example_id": 2 values, not 3/);
  await refuses(
    { ...rows, topLogits: rows.topLogits.subarray(1) },
    /"top_logits": 3 values, not 4/,
  );
  await refuses({ ...rows, logSumExp: [] }, /"log_sum_exp_t1": 0 values, not 2/);
  await refuses({ ...rows, topIds: Int32Array.of(0, 1, 2, 5) }, /class 5 of 5 classes/);
  await refuses({ ...rows, logits: new Float32Array(10) }, /"logits": 10 values, not 0/);
  const [tokens, drawn] = [sampleMeta('tokens'), sampleMeta('sampled')];
  const [tokenRows, drawnRows] = [sampleRows(tokens, 6), sampleRows(drawn, 2)];
  const refusesAs = (other: SoftLabelMeta, broken: SoftLabelRows, message: RegExp) =>
    assert.rejects(writeSoftLabelShard(path, broken, other), message);
  await refusesAs(
    tokens,
    { ...tokenRows, positions: Int32Array.of(1, 3, 5, 1, 3, 3) },
    /3 follows 3/,
  );
  await refusesAs(tokens, takeRows(tokenRows, [0, 3, 1]), /example 0+ stands in two places/);
  await refusesAs(tokens, { ...tokenRows, hidden: {} }, /"hidden_last_layer": 0 values, not 18/);
  await refusesAs(meta, { ...rows, positions: Int32Array.of(0, 1) }, /"position": 2 values, not 0/);
  const { sampled, ...without } = drawnRows;
  await refusesAs(drawn, without, /"sample_ids": 0 values/);
  await refusesAs(
    drawn,
    { ...drawnRows, sampled: { ...(sampled ?? assert.fail()), offsets: Int32Array.of(0, 1) } },
    /sample_ids/,
  );
  const compact = sampleMeta('compact');
  const [, ...others] = rows.topLogits;
  const broken = { ...rows, topLogits: Float32Array.of(Number.NaN, ...others) };
  await refusesAs(compact, broken, /a logit or its normaliser is not a number/);
  assert.equal(readdirSync(root).includes('refused'), false);
});

test('a footer that contradicts itself is refused', async () => {
  const refuses = async (kind: SampleKind, change: Partial<SoftLabelMeta>, message: RegExp) => {
    const meta = sampleMeta(kind);
    const folder = await folderOf([[takeRows(sampleRows(meta, 3), []), { ...meta, ...change }]]);
    await assert.rejects(openSoftLabels(folder), message);
  };
  await refuses('top-k', { mode: 'dense' }, /decant.top_k is 2 in mode dense/);
  await refuses('dense', { samples: 3 }, /decant.samples is 3 in mode dense/);
  await refuses('sampled', { temperatures: [1, 2] }, /samples of 2 temperatures/);
  await refuses('dense', { precision: 'small' }, /decant.precision is small in mode dense/);
  await refuses('compact', { temperatures: [2] }, /is compact without temperature 1/);
});

test('draws that do not add up are refused when they are read', async () => {
  const meta = sampleMeta('sampled');
  const rows = sampleRows(meta, 3);
  const folder = await folderOf([[rows, { ...meta, samples: 51 }]]);
  await assert.rejects(readAll(folder), /row 0 of "sample_counts" has 50 draws, not 51/);
});

test('a temperature that is not stored is refused with the stored ones and the way out', () => {
  const meta = sampleMeta('top-k');
  assert.equal(temperatureIndex(meta, 1.5), 1);
  assert.throws(() => temperatureIndex(meta, 2), {
    kind: 'usage',
    message: 'temperature 2 is not in the soft labels: they hold 1, 1.5, 4',
    fix: "decant run --set soft-label.temperatures='[1, 1.5, 2, 4]'",
  });
});
