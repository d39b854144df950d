import {
  type ColumnData,
  type ColumnSpec,
  fixedWidthList,
  type ListColumn,
} from '#datasets/parquet/columns.ts';
import { CorruptParquetError, ParquetValueError } from '#datasets/parquet/errors.ts';
import type { RowGroup } from '#datasets/parquet/row-group.ts';
import { type SoftLabelMeta, temperatureSuffix } from './soft-label-meta.ts';
import type { SoftLabelRows } from './soft-label-rows.ts';
import { splitsOf } from './table-file.ts';

/** Columns of a shard, in file order. */
export function columnsOf(meta: SoftLabelMeta): ColumnSpec[] {
  const flat = (name: string): ColumnSpec => ({ name, type: 'float' });
  const isDense = meta.mode === 'dense';
  return [
    { name: 'example_id', type: 'utf8' },
    { name: 'split', type: 'utf8' },
    { name: 'source_id', type: 'utf8', nullable: true },
    ...(isDense ? DENSE_COLUMNS : TOP_K_COLUMNS),
    ...meta.temperatures.map((t) => flat(logSumExpColumn(t))),
    ...(isDense ? [] : meta.temperatures.map((t) => flat(tailColumn(t)))),
    flat('entropy_nats'),
  ];
}

/** Rows `from` to `to` as columns for the writer. */
export function columnData(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  from: number,
  to: number,
): Record<string, ColumnData> {
  const width = widthOf(meta);
  const [start, end] = [from * width, to * width];
  const lists =
    meta.mode === 'dense'
      ? { logits: fixedWidthList(rows.logits.subarray(start, end), width, to - from) }
      : {
          top_ids: fixedWidthList(rows.topIds.subarray(start, end), width, to - from),
          top_logits: fixedWidthList(rows.topLogits.subarray(start, end), width, to - from),
        };
  const flats = flatColumns(rows, meta).map(([name, v]) => [name, v.subarray(from, to)] as const);
  return {
    example_id: rows.exampleIds.slice(from, to),
    split: rows.splits.slice(from, to),
    source_id: rows.sourceIds.slice(from, to),
    ...lists,
    ...Object.fromEntries(flats),
  };
}

/** Refuses rows whose columns do not fit each other or the class list. */
export function checkRows(path: string, rows: SoftLabelRows, meta: SoftLabelMeta): void {
  const { rowCount } = rows;
  const listValues = rowCount * widthOf(meta);
  const isDense = meta.mode === 'dense';
  const lengths: readonly (readonly [name: string, found: number, wanted: number])[] = [
    ['example_id', rows.exampleIds.length, rowCount],
    ['split', rows.splits.length, rowCount],
    ['source_id', rows.sourceIds.length, rowCount],
    ['top_ids', rows.topIds.length, isDense ? 0 : listValues],
    ['top_logits', rows.topLogits.length, isDense ? 0 : listValues],
    ['logits', rows.logits.length, isDense ? listValues : 0],
    ...flatColumns(rows, meta).map(([name, values]) => [name, values.length, rowCount] as const),
  ];
  for (const [name, found, wanted] of lengths) {
    if (found !== wanted) throw new ParquetValueError(path, name, `${found} values, not ${wanted}`);
  }
  const classCount = meta.classNames.length;
  const outside = firstOutside(rows.topIds, classCount);
  if (outside !== undefined) {
    throw new ParquetValueError(path, 'top_ids', `class ${outside} of ${classCount} classes`);
  }
}

/** Opposite of `columnData`: one row group of a shard. */
export function rowsOf(path: string, group: RowGroup, meta: SoftLabelMeta): SoftLabelRows {
  const isDense = meta.mode === 'dense';
  const width = widthOf(meta);
  const list = <A extends Int32Array | Float32Array>(name: string, column: ListColumn<A>): A => {
    const row = column.offsets.findIndex((offset, index) => offset !== index * width);
    if (row < 0) return column.values;
    throw new CorruptParquetError(path, `row ${row - 1} of "${name}" has not ${width} values`);
  };
  const topIds = isDense ? new Int32Array(0) : list('top_ids', group.listInt32('top_ids'));
  const outside = firstOutside(topIds, meta.classNames.length);
  if (outside !== undefined) {
    throw new CorruptParquetError(path, `class ${outside} of ${meta.classNames.length} classes`);
  }
  const floats = (name: string) => list(name, group.listFloat(name));
  return {
    rowCount: group.rowCount,
    exampleIds: group.texts('example_id'),
    splits: splitsOf(path, group),
    sourceIds: group.utf8('source_id'),
    topIds,
    topLogits: isDense ? new Float32Array(0) : floats('top_logits'),
    logits: isDense ? floats('logits') : new Float32Array(0),
    logSumExp: meta.temperatures.map((t) => group.float(logSumExpColumn(t))),
    tailLogMass: meta.temperatures.map((t) =>
      isDense ? new Float32Array(0) : group.float(tailColumn(t)),
    ),
    entropyNats: group.float('entropy_nats'),
  };
}

function flatColumns(rows: SoftLabelRows, meta: SoftLabelMeta): [string, Float32Array][] {
  const of = (column: (t: number) => string, values: readonly Float32Array[]) =>
    meta.temperatures.map((t, index): [string, Float32Array] => [
      column(t),
      values[index] ?? new Float32Array(0),
    ]);
  return [
    ...of(logSumExpColumn, rows.logSumExp),
    ...(meta.mode === 'dense' ? [] : of(tailColumn, rows.tailLogMass)),
    ['entropy_nats', rows.entropyNats],
  ];
}

function firstOutside(classIds: Int32Array, classCount: number): number | undefined {
  // The simplest loop and one comparison, since every id that is written or read comes by: as an
  // unsigned number a negative id is larger than any count.
  for (let at = 0; at < classIds.length; at++) {
    if ((classIds[at] ?? 0) >>> 0 >= classCount) return classIds[at];
  }
  return undefined;
}

/** Values of the list columns in each row. */
function widthOf(meta: SoftLabelMeta): number {
  return meta.topK ?? meta.classNames.length;
}

function logSumExpColumn(temperature: number): string {
  return `log_sum_exp_${temperatureSuffix(temperature)}`;
}

function tailColumn(temperature: number): string {
  return `tail_log_mass_${temperatureSuffix(temperature)}`;
}

const TOP_K_COLUMNS: readonly ColumnSpec[] = [
  { name: 'top_ids', type: 'list<int32>' },
  { name: 'top_logits', type: 'list<float>' },
];
const DENSE_COLUMNS: readonly ColumnSpec[] = [{ name: 'logits', type: 'list<float>' }];
