import type { ColumnSpec } from '#datasets/parquet/columns.ts';
import { hasPositions, type SoftLabelMeta, temperatureSuffix } from './soft-label-meta.ts';

/** Columns of a shard, in file order. */
export function columnsOf(meta: SoftLabelMeta): ColumnSpec[] {
  return [
    { name: 'example_id', type: 'utf8' },
    { name: 'split', type: 'utf8' },
    { name: 'source_id', type: 'utf8', nullable: true },
    ...(hasPositions(meta) ? [POSITION] : []),
    ...labelColumns(meta),
    ...storedTemperatures(meta).map((t) => flat(logSumExpColumn(t))),
    ...(meta.mode === 'top-k' ? meta.temperatures.map((t) => flat(tailColumn(t))) : []),
    ...(meta.mode === 'sampled' ? [flat('confidence')] : []),
    // A regression says a number, and not how sure it is of it.
    ...(meta.task === 'regression' ? [] : [flat('entropy_nats')]),
    ...Object.keys(meta.hidden ?? {}).map((name) => floatList(hiddenColumn(name))),
  ];
}

/** Values of the list columns in each row; 0 where every row has as many as it needs. */
export function widthOf(meta: SoftLabelMeta): number {
  return meta.mode === 'sampled' ? 0 : (meta.topK ?? meta.classNames.length);
}

/**
 * Temperatures with a log_sum_exp column. Fixed-point values need T = 1 alone: they are rescaled to
 * 1 - tail, from which the others follow. Samples are no logits, and need none.
 */
export function storedTemperatures(meta: SoftLabelMeta): readonly number[] {
  if (meta.mode === 'sampled') return [];
  return meta.precision === 'float32' ? meta.temperatures : [1];
}

export function logSumExpColumn(temperature: number): string {
  return `log_sum_exp_${temperatureSuffix(temperature)}`;
}

export function tailColumn(temperature: number): string {
  return `tail_log_mass_${temperatureSuffix(temperature)}`;
}

export function hiddenColumn(name: string): string {
  return `hidden_${name}`;
}

function labelColumns(meta: SoftLabelMeta): ColumnSpec[] {
  switch (meta.mode) {
    case 'dense':
      return [floatList('logits')];
    case 'sampled':
      return [
        { name: 'sample_ids', type: idListType(meta) },
        { name: 'sample_counts', type: (meta.samples ?? 0) < 256 ? 'list<uint8>' : 'list<uint16>' },
      ];
    case 'top-k':
      return topKColumns(meta);
    default:
      return meta.mode satisfies never;
  }
}

function topKColumns(meta: SoftLabelMeta): ColumnSpec[] {
  if (meta.precision === 'float32') {
    return [{ name: 'top_ids', type: 'list<int32>' }, floatList('top_logits')];
  }
  const type = meta.precision === 'compact' ? 'list<uint16>' : 'list<uint8>';
  return [
    { name: 'top_ids', type: idListType(meta) },
    { name: 'top_log_probs', type, encoding: 'delta' },
  ];
}

/** The narrowest type that holds every class id. Ids look random, so differences would only be longer. */
function idListType({ classNames }: SoftLabelMeta): 'list<uint8>' | 'list<uint16>' | 'list<int32>' {
  if (classNames.length <= 2 ** 8) return 'list<uint8>';
  return classNames.length <= 2 ** 16 ? 'list<uint16>' : 'list<int32>';
}

function flat(name: string): ColumnSpec {
  return { name, type: 'float', encoding: 'split' };
}

function floatList(name: string): ColumnSpec {
  return { name, type: 'list<float>', encoding: 'split' };
}

const POSITION: ColumnSpec = { name: 'position', type: 'int32' };
