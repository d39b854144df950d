import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSoftLabels } from '#datasets/soft-labels/soft-labels.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import { folderOf, readAll } from '#tests/support/soft-label-folders.ts';
import { type SampleKind, sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';

test('an Arrow reader gets integers for fixed point and for draws', async () => {
  const typesOf = async (kind: SampleKind, names: readonly string[]) => {
    const meta = sampleMeta(kind);
    const reader = await openSoftLabels(await folderOf([[sampleRows(meta, 6), meta]]));
    const fields: string[] = [];
    for await (const batch of reader.recordBatches())
      fields.push(...batch.schema.fields.map(String));
    await reader.close();
    return fields.filter((field) => names.some((name) => field.startsWith(name)));
  };
  assert.deepEqual(await typesOf('compact', ['top_']), [
    'top_ids: List<Uint8>',
    'top_log_probs: List<Uint16>',
  ]);
  assert.deepEqual(await typesOf('small', ['top_log', 'log_sum']), [
    'top_log_probs: List<Uint8>',
    'log_sum_exp_t1: Float32',
  ]);
  assert.deepEqual(await typesOf('sampled', ['sample_', 'confidence', 'log_', 'tail']), [
    'sample_ids: List<Uint8>',
    'sample_counts: List<Uint8>',
    'confidence: Float32',
  ]);
  assert.deepEqual(await typesOf('tokens', ['position', 'hidden']), [
    'position: Int32',
    'hidden_last_layer: List<Float32>',
  ]);
});

test('class ids take as many bits as the class list needs', async () => {
  for (const [classCount, type] of [
    [256, 'UTINYINT[]'],
    [257, 'USMALLINT[]'],
    [65_537, 'INTEGER[]'],
  ] as const) {
    const classNames = Array.from({ length: classCount }, (_, id) => `${id}`);
    const meta = { ...sampleMeta('compact'), classNames };
    const rows = {
      ...sampleRows(sampleMeta('compact'), 1),
      topIds: Int32Array.of(classCount - 1, 0),
    };
    const folder = await folderOf([[rows, meta]]);
    const { shards } = await readAll(folder);
    assert.deepEqual(shards[0]?.topIds, rows.topIds);
    const described = await duckdb(`SELECT typeof(top_ids) FROM '${folder}/*.parquet'`);
    assert.deepEqual(described, [[type]]);
  }
});

test('an Arrow reader gets the same columns', async () => {
  const meta = sampleMeta('top-k');
  const reader = await openSoftLabels(await folderOf([[sampleRows(meta, 4), meta]]));
  for await (const batch of reader.recordBatches()) {
    assert.equal(batch.numRows, 4);
    assert.deepEqual(batch.schema.fields.map(String), [
      'example_id: Utf8',
      'split: Utf8',
      'source_id: Utf8',
      'top_ids: List<Int32>',
      'top_logits: List<Float32>',
      'log_sum_exp_t1: Float32',
      'log_sum_exp_t1_5: Float32',
      'log_sum_exp_t4: Float32',
      'tail_log_mass_t1: Float32',
      'tail_log_mass_t1_5: Float32',
      'tail_log_mass_t4: Float32',
      'entropy_nats: Float32',
    ]);
  }
  await reader.close();
});

test('DuckDB finds the columns and the footer of a lone file', async () => {
  const meta = sampleMeta('dense');
  const rows = sampleRows(meta, 5);
  const folder = await folderOf([[rows, meta]]);
  const sql = `SELECT example_id, split, source_id, logits, log_sum_exp_t1_5, entropy_nats FROM '${folder}/*.parquet'`;
  const found = await duckdb(sql);
  assert.deepEqual(
    found,
    rows.exampleIds.map((id, row) => [
      id,
      'train',
      rows.sourceIds[row],
      [...rows.logits.subarray(row * 5, row * 5 + 5)],
      rows.logSumExp[1]?.[row],
      rows.entropyNats[row],
    ]),
  );
  const footer = await duckdb(
    `SELECT decode(key), decode(value) FROM parquet_kv_metadata('${folder}/part-00000.parquet')`,
  );
  const values = Object.fromEntries(footer);
  assert.equal(values['decant.format_version'], '1');
  assert.deepEqual(JSON.parse(values['decant.classes']), meta.classNames);
  assert.deepEqual(JSON.parse(values['decant.temperatures']), [1, 1.5, 4]);
});
