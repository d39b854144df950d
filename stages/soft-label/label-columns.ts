import type { SoftLabelRows } from '#datasets/soft-labels.ts';
import type { Keep } from './settings.ts';

/** The numbers of some rows, without whose they are. */
export type LabelColumns = Pick<
  SoftLabelRows,
  'topIds' | 'topLogits' | 'logits' | 'logSumExp' | 'tailLogMass' | 'entropyNats'
>;

/** Columns for so many rows, all zero. */
export function emptyColumns(rowCount: number, keep: Keep): LabelColumns {
  const dense = keep.topK === undefined;
  const width = keep.topK ?? 0;
  const perTemperature = () => keep.temperatures.map(() => new Float32Array(rowCount));
  return {
    topIds: new Int32Array(rowCount * width),
    topLogits: new Float32Array(rowCount * width),
    logits: new Float32Array(dense ? rowCount * keep.classCount : 0),
    logSumExp: perTemperature(),
    tailLogMass: dense ? [] : perTemperature(),
    entropyNats: new Float32Array(rowCount),
  };
}

/** Copies the numbers of one row. Both sides must have been made with the same `keep`. */
export function copyRow(
  target: LabelColumns,
  targetRow: number,
  source: LabelColumns,
  sourceRow: number,
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
    const start = sourceRow * width;
    into.set(values.subarray(start, start + width), targetRow * width);
  });
}

/** Is every number of the row a number? A teacher that overflows gives NaN or infinities. */
export function isFiniteRow(columns: LabelColumns, row: number): boolean {
  const rows = columns.entropyNats.length;
  return arraysOf(columns).every((values) => {
    const width = values.length / rows;
    return values.subarray(row * width, (row + 1) * width).every(Number.isFinite);
  });
}

function arraysOf(columns: LabelColumns): (Int32Array | Float32Array)[] {
  const { topIds, topLogits, logits, logSumExp, tailLogMass, entropyNats } = columns;
  // A dense cache has no tail: whether that is told by empty arrays or by none makes no column.
  const tails = tailLogMass.filter((values) => values.length > 0);
  return [topIds, topLogits, logits, ...logSumExp, ...tails, entropyNats];
}
