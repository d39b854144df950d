import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ParquetCodec } from '#datasets/parquet/codec.ts';
import {
  type SoftLabelMeta,
  type SoftLabelRows,
  takeRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels.ts';
import { sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
import {
  type AddTable,
  bitsOf,
  type Columns,
  type ExpectedTable,
  inChunks,
  table,
} from './expected-table.ts';

/** Two shards: the first has two row groups, the second no source id at all. */
export async function addSoftLabels(
  add: AddTable,
  mode: 'top-k' | 'dense',
  codec: ParquetCodec,
): Promise<void> {
  const meta = sampleMeta(mode);
  const rows = withOddities(sampleRows(meta, 10_060));
  const folder = add(`${mode} ${codec}`, softLabelTable(rows, meta));
  const order = Array.from({ length: rows.rowCount }, (_, row) => row);
  for (const [part, indices] of [order.slice(0, -LAST), order.slice(-LAST)].entries()) {
    const path = join(folder, `part-0000${part}.parquet`);
    await writeSoftLabelShard(path, takeRows(rows, indices), meta, codec);
  }
}

/** Values that are easily lost: signed zero, subnormal numbers, infinity, empty and broken text. */
function withOddities(rows: SoftLabelRows): SoftLabelRows {
  if (rows.logits.length > 0) rows.logits.set([-0, 1e-45, -3.4028234e38]);
  if (rows.topLogits.length > 0) rows.topLogits.set([-0, 1e-45, -3.4028234e38]);
  if (rows.tailLogMass[0]?.length) rows.tailLogMass[0].set([Number.NEGATIVE_INFINITY]);
  const odd = [null, '', '🧾 ünï', '"quoted"\n\t', 'null', 'NaN', null];
  const sourceIds = [...odd, ...rows.sourceIds.slice(odd.length, -LAST), ...Array(LAST).fill(null)];
  return { ...rows, sourceIds };
}

function softLabelTable(rows: SoftLabelRows, meta: SoftLabelMeta): ExpectedTable {
  const isDense = meta.mode === 'dense';
  const perTemperature = (name: string, columns: readonly Float32Array[]): Columns =>
    Object.fromEntries(
      ['t1', 't1_5', 't4'].map((t, index) => [
        `${name}_${t}`,
        ['float', bitsOf(columns[index] ?? [])],
      ]),
    );
  const topK: Columns = {
    top_ids: ['list<int32>', inChunks([...rows.topIds], 2)],
    top_logits: ['list<float>', inChunks(bitsOf(rows.topLogits), 2)],
  };
  const classes = JSON.stringify(meta.classNames);
  return table(
    {
      example_id: ['utf8', rows.exampleIds],
      split: ['utf8', rows.splits],
      source_id: ['utf8?', rows.sourceIds],
      ...(isDense ? { logits: ['list<float>', inChunks(bitsOf(rows.logits), 5)] } : topK),
      ...perTemperature('log_sum_exp', rows.logSumExp),
      ...(isDense ? {} : perTemperature('tail_log_mass', rows.tailLogMass)),
      entropy_nats: ['float', bitsOf(rows.entropyNats)],
    },
    {
      'decant.format': 'soft-labels',
      'decant.mode': meta.mode,
      'decant.top_k': isDense ? 'null' : '2',
      'decant.temperatures': '[1,1.5,4]',
      'decant.classes': classes,
      'decant.classes_digest': createHash('sha256').update(classes).digest('hex'),
      'decant.fingerprint': 'f'.repeat(64),
      'decant.teacher_digest': 'a'.repeat(64),
      'decant.tokenizer_digest': 'b'.repeat(64),
      'decant.max_length': '64',
      'decant.provider': 'cpu',
      'decant.runtime': 'onnxruntime-node 1.30.0',
      'decant.precision': 'float32',
    },
  );
}

/** Rows of the second shard. */
const LAST = 10;
