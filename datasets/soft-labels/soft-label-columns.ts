import { FIXED_POINTS, toFixedPoint } from '#datasets/fixed-point.ts';
import { type ColumnData, fixedWidthList, type ListColumn } from '#datasets/parquet/columns.ts';
import { ParquetValueError } from '#datasets/parquet/errors.ts';
import { hasPositions, type SoftLabelMeta } from './soft-label-meta.ts';
import type { SampledColumns, SoftLabelRows } from './soft-label-rows.ts';
import {
  hiddenColumn,
  logSumExpColumn,
  storedTemperatures,
  tailColumn,
  widthOf,
} from './soft-label-schema.ts';

/** Rows `from` to `to` as columns for the writer. */
export function columnData(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  from: number,
  to: number,
): Record<string, ColumnData> {
  const flats = flatColumns(rows, meta).map(([name, v]) => [name, v.subarray(from, to)] as const);
  const hidden = Object.entries(meta.hidden ?? {}).map(([name, width]) => {
    const values = rows.hidden?.[name]?.subarray(from * width, to * width) ?? new Float32Array();
    return [hiddenColumn(name), fixedWidthList(values, width, to - from)] as const;
  });
  return {
    example_id: rows.exampleIds.slice(from, to),
    split: rows.splits.slice(from, to),
    source_id: rows.sourceIds.slice(from, to),
    ...(rows.positions && { position: rows.positions.subarray(from, to) }),
    ...listColumns(rows, meta, from, to),
    ...Object.fromEntries(flats),
    ...Object.fromEntries(hidden),
  };
}

/** Refuses rows whose columns do not fit each other or the class list. */
export function checkRows(path: string, rows: SoftLabelRows, meta: SoftLabelMeta): void {
  for (const [name, found, wanted] of lengthsOf(rows, meta)) {
    if (found !== wanted) throw new ParquetValueError(path, name, `${found} values, not ${wanted}`);
  }
  const classCount = meta.classNames.length;
  const ids = rows.sampled?.ids ?? rows.topIds;
  const outside = firstOutside(ids, classCount);
  if (outside !== undefined) {
    const name = meta.mode === 'sampled' ? 'sample_ids' : 'top_ids';
    throw new ParquetValueError(path, name, `class ${outside} of ${classCount} classes`);
  }
  const disorder = firstDisorder(rows);
  if (disorder !== undefined) throw new ParquetValueError(path, 'position', disorder);
  // An integer has no way to say NaN.
  const numbers = [rows.topLogits, ...rows.logSumExp];
  if (meta.precision !== 'float32' && numbers.some((values) => values.some(Number.isNaN))) {
    throw new ParquetValueError(path, 'top_log_probs', 'a logit or its normaliser is not a number');
  }
}

/** The first id that is no place in a class list. */
export function firstOutside(classIds: Int32Array, classCount: number): number | undefined {
  // The simplest loop and one comparison, since every id that is written or read comes by: as an
  // unsigned number a negative id is larger than any count.
  for (let at = 0; at < classIds.length; at++) {
    if ((classIds[at] ?? 0) >>> 0 >= classCount) return classIds[at];
  }
  return undefined;
}

/** Where the token rows of one example do not stand together in ascending order. */
export function firstDisorder({ exampleIds, positions }: SoftLabelRows): string | undefined {
  if (positions === undefined) return undefined;
  const finished = new Set<string>();
  // Plain indices and no views: every row that is written or read comes by.
  for (let row = 0; row < exampleIds.length; row++) {
    const [exampleId, before] = [exampleIds[row] ?? '', exampleIds[row - 1]];
    if (before === exampleId) {
      const [last, position] = [positions[row - 1] ?? -1, positions[row] ?? -1];
      if (position > last) continue;
      return `${position} follows ${last} in example ${exampleId}`;
    }
    if (before !== undefined) finished.add(before);
    if (finished.has(exampleId)) return `example ${exampleId} stands in two places`;
  }
  return undefined;
}

function listColumns(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  from: number,
  to: number,
): Record<string, ColumnData> {
  const width = widthOf(meta);
  const list = <A extends Int32Array | Float32Array>(values: A): ListColumn<A> =>
    fixedWidthList(values, width, to - from);
  const [start, end] = [from * width, to * width];
  switch (meta.mode) {
    case 'dense':
      return { logits: list(rows.logits.subarray(start, end)) };
    case 'sampled':
      return rows.sampled === undefined ? {} : sampledLists(rows.sampled, from, to);
    case 'top-k': {
      const topIds = list(rows.topIds.subarray(start, end));
      const topLogits = rows.topLogits.subarray(start, end);
      if (meta.precision === 'float32') return { top_ids: topIds, top_logits: list(topLogits) };
      const logSumExp = rows.logSumExp[meta.temperatures.indexOf(1)]?.subarray(from, to);
      const fixed = FIXED_POINTS[meta.precision];
      const steps = toFixedPoint(topLogits, logSumExp ?? new Float32Array(), fixed);
      return { top_ids: topIds, top_log_probs: list(steps) };
    }
    default:
      return meta.mode satisfies never;
  }
}

function sampledLists(
  { offsets, ids, counts }: SampledColumns,
  from: number,
  to: number,
): Record<string, ColumnData> {
  const own = offsets.slice(from, to + 1);
  const [first = 0, last = first] = [own[0], own.at(-1)];
  return {
    sample_ids: { values: ids.subarray(first, last), offsets: own },
    sample_counts: { values: counts.subarray(first, last), offsets: own },
  };
}

type Length = readonly [name: string, found: number, wanted: number];

function lengthsOf(rows: SoftLabelRows, meta: SoftLabelMeta): Length[] {
  const { rowCount } = rows;
  const listValues = (mode: SoftLabelMeta['mode']) =>
    meta.mode === mode ? rowCount * widthOf(meta) : 0;
  const hidden = Object.entries(meta.hidden ?? {}).map(
    ([name, width]): Length => [
      hiddenColumn(name),
      rows.hidden?.[name]?.length ?? 0,
      rowCount * width,
    ],
  );
  return [
    ['example_id', rows.exampleIds.length, rowCount],
    ['split', rows.splits.length, rowCount],
    ['source_id', rows.sourceIds.length, rowCount],
    ['position', rows.positions?.length ?? 0, hasPositions(meta) ? rowCount : 0],
    ['top_ids', rows.topIds.length, listValues('top-k')],
    ['top_logits', rows.topLogits.length, listValues('top-k')],
    ['logits', rows.logits.length, listValues('dense')],
    ...sampleLengths(rows, meta),
    ...flatColumns(rows, meta).map(([name, values]): Length => [name, values.length, rowCount]),
    ...hidden,
  ];
}

function sampleLengths({ rowCount, sampled }: SoftLabelRows, { mode }: SoftLabelMeta): Length[] {
  if (mode !== 'sampled') return [['sample_ids', sampled?.ids.length ?? 0, 0]];
  const last = sampled?.offsets.at(-1) ?? -1;
  return [
    ['sample_ids', sampled?.ids.length ?? 0, last],
    ['sample_counts', sampled?.counts.length ?? 0, last],
    ['rows of sample_ids', sampled?.offsets.length ?? 0, rowCount + 1],
  ];
}

function flatColumns(rows: SoftLabelRows, meta: SoftLabelMeta): [string, Float32Array][] {
  const of = (
    column: (t: number) => string,
    temperatures: readonly number[],
    values: readonly Float32Array[],
  ) =>
    temperatures.map((t): [string, Float32Array] => [
      column(t),
      values[meta.temperatures.indexOf(t)] ?? new Float32Array(),
    ]);
  return [
    ...of(logSumExpColumn, storedTemperatures(meta), rows.logSumExp),
    ...(meta.mode === 'top-k' ? of(tailColumn, meta.temperatures, rows.tailLogMass) : []),
    ...(rows.sampled
      ? [['confidence', rows.sampled.confidence] satisfies [string, Float32Array]]
      : []),
    ...(meta.task === 'regression'
      ? []
      : [['entropy_nats', rows.entropyNats] satisfies [string, Float32Array]]),
  ];
}
