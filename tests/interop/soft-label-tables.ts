import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ParquetCodec } from '#datasets/parquet/codec.ts';
import {
  type SampledColumns,
  type SoftLabelMeta,
  type SoftLabelRows,
  takeRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { type SampleKind, sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
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
  kind: SampleKind,
  codec: ParquetCodec,
): Promise<void> {
  const meta = sampleMeta(kind);
  const rows = withOddities(sampleRows(meta, ROWS), meta);
  const folder = add(`${kind} ${codec}`, softLabelTable(rows, meta));
  const order = Array.from({ length: rows.rowCount }, (_, row) => row);
  for (const [part, indices] of [order.slice(0, -LAST), order.slice(-LAST)].entries()) {
    const path = join(folder, `part-0000${part}.parquet`);
    await writeSoftLabelShard(path, takeRows(rows, indices), meta, codec);
  }
}

/** Values that are easily lost: signed zero, subnormal numbers, infinity, empty and broken text. */
function withOddities(rows: SoftLabelRows, meta: SoftLabelMeta): SoftLabelRows {
  if (rows.logits.length > 0) rows.logits.set([-0, 1e-45, -3.4028234e38]);
  if (rows.topLogits.length > 0) rows.topLogits.set([-0, 1e-45, -3.4028234e38]);
  // As draws stand there: the best class of the first row was not drawn.
  rows.sampled?.counts.set([0, meta.samples ?? 0]);
  if (rows.tailLogMass[0]?.length) rows.tailLogMass[0].set([Number.NEGATIVE_INFINITY]);
  const odd = [null, '', '🧾 ünï', '"quoted"\n\t', 'null', 'NaN', null];
  const sourceIds = [...odd, ...rows.sourceIds.slice(odd.length, -LAST), ...Array(LAST).fill(null)];
  return { ...rows, sourceIds };
}

function softLabelTable(rows: SoftLabelRows, meta: SoftLabelMeta): ExpectedTable {
  const isDense = meta.mode === 'dense';
  const isTopK = meta.mode === 'top-k';
  const perTemperature = (
    name: string,
    columns: readonly Float32Array[],
    temperatures = ['t1', 't1_5', 't4'],
  ): Columns =>
    Object.fromEntries(
      temperatures.map((t, index) => [`${name}_${t}`, ['float', bitsOf(columns[index] ?? [])]]),
    );
  const normalisers = meta.precision === 'float32' ? ['t1', 't1_5', 't4'] : ['t1'];
  const classes = JSON.stringify(meta.classNames);
  return table(
    {
      example_id: ['utf8', rows.exampleIds],
      split: ['utf8', rows.splits],
      source_id: ['utf8?', rows.sourceIds],
      ...(rows.positions && { position: ['int32', [...rows.positions]] }),
      ...(isDense && { logits: ['list<float>', inChunks(bitsOf(rows.logits), 5)] }),
      ...(isTopK && topKColumns(rows, meta)),
      ...(rows.sampled && sampleColumns(rows.sampled)),
      ...((isDense || isTopK) && perTemperature('log_sum_exp', rows.logSumExp, normalisers)),
      ...(isTopK && perTemperature('tail_log_mass', rows.tailLogMass)),
      ...(rows.sampled && { confidence: ['float', bitsOf(rows.sampled.confidence)] }),
      entropy_nats: ['float', bitsOf(rows.entropyNats)],
      ...(rows.hidden && {
        hidden_last_layer: ['list<float>', inChunks(bitsOf(rows.hidden['last_layer'] ?? []), 3)],
      }),
    },
    {
      'decant.format': 'soft-labels',
      'decant.mode': meta.mode,
      'decant.top_k': isTopK ? '2' : 'null',
      'decant.temperatures': rows.sampled ? '[1]' : '[1,1.5,4]',
      'decant.classes': classes,
      'decant.classes_digest': createHash('sha256').update(classes).digest('hex'),
      'decant.fingerprint': 'f'.repeat(64),
      'decant.teacher_digest': 'a'.repeat(64),
      'decant.tokenizer_digest': 'b'.repeat(64),
      'decant.max_length': '64',
      'decant.provider': 'cpu',
      'decant.runtime': 'onnxruntime-node 1.30.0',
      'decant.precision': meta.precision,
      ...(rows.sampled && { 'decant.samples': '50' }),
      ...(rows.positions && { 'decant.rows': 'token' }),
      ...(rows.hidden && { 'decant.hidden': '{"last_layer":3}' }),
    },
  );
}

function topKColumns(rows: SoftLabelRows, { precision }: SoftLabelMeta): Columns {
  const topIds = inChunks([...rows.topIds], 2);
  if (precision === 'float32') {
    const topLogits = inChunks(bitsOf(rows.topLogits), 2);
    return { top_ids: ['list<int32>', topIds], top_logits: ['list<float>', topLogits] };
  }
  const [scale, largest] = precision === 'compact' ? [2048, 65_535] : [16, 255];
  const steps = Array.from(rows.topLogits, (logit, at) => {
    const below = (rows.logSumExp[0]?.[Math.floor(at / 2)] ?? Number.NaN) - logit;
    return Math.min(largest, Math.round(below * scale));
  });
  return {
    top_ids: ['list<uint8>', topIds],
    top_log_probs: [precision === 'compact' ? 'list<uint16>' : 'list<uint8>', inChunks(steps, 2)],
  };
}

function sampleColumns({ offsets, ids, counts }: SampledColumns): Columns {
  const lists = (values: Int32Array) =>
    Array.from({ length: ROWS }, (_, row) => [...values.subarray(offsets[row], offsets[row + 1])]);
  return {
    sample_ids: ['list<uint8>', lists(ids)],
    sample_counts: ['list<uint8>', lists(counts)],
  };
}

const ROWS = 10_060;
/** Rows of the second shard. */
const LAST = 10;
