import { FIXED_POINTS, fromFixedPoint, normaliserFromTail } from '#datasets/fixed-point.ts';
import type { ListColumn } from '#datasets/parquet/columns.ts';
import { CorruptParquetError } from '#datasets/parquet/errors.ts';
import type { RowGroup } from '#datasets/parquet/row-group.ts';
import { splitsOf } from '#datasets/table-file.ts';
import { firstDisorder, firstOutside } from './soft-label-columns.ts';
import { hasPositions, type SoftLabelMeta } from './soft-label-meta.ts';
import type { SampledColumns, SoftLabelNumbers, SoftLabelRows } from './soft-label-rows.ts';
import { hiddenColumn, logSumExpColumn, tailColumn, widthOf } from './soft-label-schema.ts';

/** Opposite of `columnData`: one row group of a shard. */
export function rowsOf(path: string, group: RowGroup, meta: SoftLabelMeta): SoftLabelRows {
  const rows: SoftLabelRows = {
    exampleIds: group.texts('example_id'),
    splits: splitsOf(path, group),
    sourceIds: group.utf8('source_id'),
    ...numbersOf(path, group, meta),
  };
  const disorder = firstDisorder(rows);
  if (disorder !== undefined) throw new CorruptParquetError(path, `position ${disorder}`);
  return rows;
}

/** As `rowsOf`, for a row group that was read without its texts. */
export function numbersOf(path: string, group: RowGroup, meta: SoftLabelMeta): SoftLabelNumbers {
  const source = { path, group, meta };
  const { mode, hidden } = meta;
  return {
    rowCount: group.rowCount,
    ...(mode === 'top-k' ? topKColumns(source) : NO_TOP_K),
    logits: mode === 'dense' ? floatLists(source, 'logits', widthOf(meta)) : NO_FLOATS,
    ...(mode !== 'top-k' && normalisers(source)),
    entropyNats:
      meta.task === 'regression' ? new Float32Array(group.rowCount) : group.float('entropy_nats'),
    ...(hasPositions(meta) && { positions: group.int32('position') }),
    ...(mode === 'sampled' && { sampled: sampledColumns(source) }),
    ...(hidden && { hidden: hiddenColumns(source, hidden) }),
  };
}

interface Source {
  readonly path: string;
  readonly group: RowGroup;
  readonly meta: SoftLabelMeta;
}

type Numbers = Pick<SoftLabelRows, 'topIds' | 'topLogits' | 'logSumExp' | 'tailLogMass'>;

function topKColumns(source: Source): Numbers {
  const { path, group, meta } = source;
  const { precision, temperatures } = meta;
  const topIds = fixedLists(path, 'top_ids', group.listInt32('top_ids'), widthOf(meta));
  checkClasses(path, topIds, meta);
  const tailLogMass = temperatures.map((t) => group.float(tailColumn(t)));
  if (precision === 'float32') {
    const topLogits = floatLists(source, 'top_logits', widthOf(meta));
    const logSumExp = temperatures.map((t) => group.float(logSumExpColumn(t)));
    return { topIds, topLogits, logSumExp, tailLogMass };
  }
  const fixed = FIXED_POINTS[precision];
  const column = group.listInt32('top_log_probs');
  const steps = fixedLists(path, 'top_log_probs', column, widthOf(meta));
  const outside = firstOutside(steps, fixed.largest + 1);
  if (outside !== undefined) throw new CorruptParquetError(path, `top_log_probs of ${outside}`);
  const logSumExpAtOne = group.float(logSumExpColumn(1));
  const topLogits = fromFixedPoint(steps, logSumExpAtOne, fixed);
  const logSumExp = temperatures.map((t, place) =>
    t === 1 ? logSumExpAtOne : normaliserFromTail(topLogits, tailLogMass[place] ?? NO_FLOATS, t),
  );
  return { topIds, topLogits, logSumExp, tailLogMass };
}

function normalisers({ group, meta }: Source): Pick<SoftLabelRows, 'logSumExp' | 'tailLogMass'> {
  const { mode, temperatures } = meta;
  return {
    logSumExp: temperatures.map((t) =>
      mode === 'dense' ? group.float(logSumExpColumn(t)) : NO_FLOATS,
    ),
    tailLogMass: temperatures.map(() => NO_FLOATS),
  };
}

function sampledColumns({ path, group, meta }: Source): SampledColumns {
  const { values: ids, offsets } = group.listInt32('sample_ids');
  const { values: counts, offsets: countOffsets } = group.listInt32('sample_counts');
  checkClasses(path, ids, meta);
  for (let row = 0; row < group.rowCount; row++) {
    const [start = 0, end = 0] = offsets.subarray(row, row + 2);
    if (countOffsets[row + 1] !== end) throw badSamples(path, row, 'a class without a count');
    let drawn = 0;
    for (let at = start; at < end; at++) {
      const count = counts[at] ?? 0;
      if (count < 0) throw badSamples(path, row, `a count of ${count}`);
      drawn += count;
    }
    if (drawn !== meta.samples) throw badSamples(path, row, `${drawn} draws, not ${meta.samples}`);
  }
  return { offsets, ids, counts, confidence: group.float('confidence') };
}

function hiddenColumns(
  source: Source,
  hidden: Readonly<Record<string, number>>,
): Record<string, Float32Array> {
  const columns = Object.entries(hidden).map(([name, width]) => {
    return [name, floatLists(source, hiddenColumn(name), width)] as const;
  });
  return Object.fromEntries(columns);
}

function floatLists({ path, group }: Source, name: string, width: number): Float32Array {
  return fixedLists(path, name, group.listFloat(name), width);
}

/** The values of lists that all have the same length. */
function fixedLists<A extends Int32Array | Float32Array>(
  path: string,
  name: string,
  column: ListColumn<A>,
  width: number,
): A {
  const row = column.offsets.findIndex((offset, index) => offset !== index * width);
  if (row < 0) return column.values;
  throw new CorruptParquetError(path, `row ${row - 1} of "${name}" has not ${width} values`);
}

function checkClasses(path: string, ids: Int32Array, { classNames }: SoftLabelMeta): void {
  const outside = firstOutside(ids, classNames.length);
  if (outside === undefined) return;
  throw new CorruptParquetError(path, `class ${outside} of ${classNames.length} classes`);
}

function badSamples(path: string, row: number, problem: string): CorruptParquetError {
  return new CorruptParquetError(path, `row ${row} of "sample_counts" has ${problem}`);
}

const NO_FLOATS = new Float32Array();
const NO_TOP_K: Numbers = {
  topIds: new Int32Array(),
  topLogits: NO_FLOATS,
  logSumExp: [],
  tailLogMass: [],
};
