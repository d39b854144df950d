import { joinNumbers } from '#datasets/parquet/columns.ts';
import type { SampledColumns, SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { hiddenName, type Keep } from './settings.ts';
import { answerCount, type TeacherRow } from './teacher-rows.ts';

/** The numbers of some rows, without whose they are. */
export type LabelColumns = Pick<
  SoftLabelRows,
  'topIds' | 'topLogits' | 'logits' | 'logSumExp' | 'tailLogMass' | 'entropyNats'
> & {
  /** Teacher features by column name. Of columns that are being filled: empty before the first row. */
  readonly hidden?: Record<string, Float32Array>;
  /** Mode sampled only: the draws of each row; a row whose logits are no numbers has none. */
  readonly drawn?: (DrawnRow | undefined)[];
};

/** What was drawn of one row, the best class first. */
export interface DrawnRow {
  readonly ids: Int32Array;
  readonly counts: Int32Array;
  /** Exact probability of the best class at T = 1. */
  readonly confidence: number;
}

/** Rows of the cache: whose they are, and their numbers. */
export function labelledRows(
  rows: readonly Pick<TeacherRow, 'exampleId' | 'split' | 'sourceId' | 'answers' | 'window'>[],
  { drawn, ...numbers }: LabelColumns,
): SoftLabelRows {
  const isOneOfSeveral = rows.some(({ answers, window }) => (answers ?? window) !== undefined);
  const exampleIds = perAnswer(rows, ({ exampleId }) => exampleId);
  return {
    ...numbers,
    ...(drawn && { sampled: sampledColumnsOf(drawn) }),
    rowCount: exampleIds.length,
    exampleIds,
    splits: perAnswer(rows, ({ split }) => split),
    sourceIds: perAnswer(rows, ({ sourceId }) => sourceId),
    ...(isOneOfSeveral && { positions: positionsOf(rows) }),
  };
}

/** Something of each row, once for each of its answers. */
export function perAnswer<Row extends Pick<TeacherRow, 'answers'>, Value>(
  rows: readonly Row[],
  valueOf: (row: Row) => Value,
): Value[] {
  const total = rows.reduce((sum, row) => sum + answerCount(row), 0);
  const values: Value[] = [];
  values.length = total;
  let filled = 0;
  for (const row of rows) {
    const count = answerCount(row);
    values.fill(valueOf(row), filled, filled + count);
    filled += count;
  }
  return values;
}

function positionsOf(rows: readonly Pick<TeacherRow, 'answers' | 'window'>[]): Int32Array {
  return joinNumbers(
    rows.map(({ answers, window }) => answers?.positions ?? Int32Array.of(window?.index ?? 0)),
    Int32Array,
  );
}

/** Columns for so many rows, all zero. */
export function emptyColumns(rowCount: number, keep: Keep): LabelColumns {
  const { mode, temperatures } = keep;
  const width = keep.topK ?? 0;
  const perTemperature = () => temperatures.map(() => new Float32Array(rowCount));
  return {
    topIds: new Int32Array(rowCount * width),
    topLogits: new Float32Array(rowCount * width),
    logits: new Float32Array(mode === 'dense' ? rowCount * keep.classCount : 0),
    logSumExp: mode === 'sampled' ? [] : perTemperature(),
    tailLogMass: mode === 'top-k' ? perTemperature() : [],
    entropyNats: new Float32Array(rowCount),
    ...(keep.hidden && {
      hidden: Object.fromEntries(keep.hidden.map((name) => [hiddenName(name), new Float32Array()])),
    }),
    ...(mode === 'sampled' && { drawn: Array.from({ length: rowCount }, () => undefined) }),
  };
}

/** A block of rows: where it begins, and how long it is. */
export interface RowBlock {
  readonly from: number;
  readonly count: number;
}

/** Copies the numbers of a block of rows. Both sides must have been made with the same `keep`. */
export function copyRows(
  target: LabelColumns,
  targetRow: number,
  source: LabelColumns,
  { from, count }: RowBlock,
): void {
  const targets = arraysOf(target);
  const targetRows = target.entropyNats.length;
  const sourceRows = source.entropyNats.length;
  arraysOf(source).forEach((values, index) => {
    const width = values.length / sourceRows;
    const into = targets[index];
    if (into === undefined || into.length !== width * targetRows) {
      throw new RangeError(`column ${index} has another width in its target`);
    }
    into.set(values.subarray(from * width, (from + count) * width), targetRow * width);
  });
  copyHidden(target, targetRow, source, { from, count });
  if (target.drawn === undefined) return;
  for (let row = 0; row < count; row++) target.drawn[targetRow + row] = source.drawn?.[from + row];
}

/** How wide a feature is shows with its first row. */
function copyHidden(
  target: LabelColumns,
  targetRow: number,
  source: LabelColumns,
  { from, count }: RowBlock,
): void {
  const [rows, sourceRows] = [target.entropyNats.length, source.entropyNats.length];
  for (const [name, column] of Object.entries(target.hidden ?? {})) {
    const values = source.hidden?.[name] ?? new Float32Array();
    const width = values.length / sourceRows;
    const into = column.length === 0 ? new Float32Array(rows * width) : column;
    if (into.length !== rows * width) throw new RangeError(`hidden ${name} has another width`);
    into.set(values.subarray(from * width, (from + count) * width), targetRow * width);
    if (target.hidden !== undefined) target.hidden[name] = into;
  }
}

/** Is every number of the block a number? A teacher that overflows gives NaN or infinities. */
export function areFinite(columns: LabelColumns, { from, count }: RowBlock): boolean {
  const end = from + count;
  if (columns.drawn?.slice(from, end).includes(undefined)) return false;
  const rows = columns.entropyNats.length;
  const all = [...arraysOf(columns), ...Object.values(columns.hidden ?? {})];
  return all.every((values) => {
    const width = values.length / rows;
    return values instanceof Int32Array || isFiniteRange(values, from * width, end * width);
  });
}

/** A loop, since every number that the teacher gives comes by: only a finite one minus itself is 0. */
function isFiniteRange(values: Float32Array, from: number, end: number): boolean {
  for (let at = from; at < end; at++) {
    const value = values[at] ?? 0;
    if (value - value !== 0) return false;
  }
  return true;
}

/** The draws of all rows end to end; none for a row without. */
export function sampledColumnsOf(drawn: readonly (DrawnRow | undefined)[]): SampledColumns {
  const rows = drawn.map((row) => row ?? NOTHING_DRAWN);
  const offsets = new Int32Array(rows.length + 1);
  for (const [row, { ids }] of rows.entries()) offsets[row + 1] = (offsets[row] ?? 0) + ids.length;
  const columns = {
    offsets,
    ids: new Int32Array(offsets[rows.length] ?? 0),
    counts: new Int32Array(offsets[rows.length] ?? 0),
    confidence: Float32Array.from(rows, ({ confidence }) => confidence),
  };
  for (const [row, { ids, counts }] of rows.entries()) {
    columns.ids.set(ids, offsets[row]);
    columns.counts.set(counts, offsets[row]);
  }
  return columns;
}

/** Opposite of `sampledColumnsOf`. */
export function drawnRows({ offsets, ids, counts, confidence }: SampledColumns): DrawnRow[] {
  return Array.from(confidence, (value, row) => ({
    ids: ids.subarray(offsets[row], offsets[row + 1]),
    counts: counts.subarray(offsets[row], offsets[row + 1]),
    confidence: value,
  }));
}

function arraysOf(columns: LabelColumns): (Int32Array | Float32Array)[] {
  const { topIds, topLogits, logits, logSumExp, tailLogMass, entropyNats } = columns;
  // What a mode does not have may be told by empty arrays or by none: neither makes a column.
  const perTemperature = [...logSumExp, ...tailLogMass].filter((values) => values.length > 0);
  return [topIds, topLogits, logits, ...perTemperature, entropyNats];
}

const NOTHING_DRAWN: DrawnRow = {
  ids: new Int32Array(),
  counts: new Int32Array(),
  confidence: Number.NaN,
};
