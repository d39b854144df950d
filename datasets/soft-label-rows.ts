import { joinNumbers } from '#datasets/parquet/columns.ts';
import type { Split } from './example.ts';

/** Rows of soft labels, column by column. */
export interface SoftLabelRows {
  readonly rowCount: number;
  readonly exampleIds: readonly string[];
  readonly splits: readonly Split[];
  readonly sourceIds: readonly (string | null)[];
  /** [rowCount * topK], best first; empty when dense. */
  readonly topIds: Int32Array;
  /** [rowCount * topK] raw teacher logits; empty when dense. */
  readonly topLogits: Float32Array;
  /** [rowCount * classCount] raw teacher logits in class order; empty when top-k. */
  readonly logits: Float32Array;
  /** Per stored temperature: log sum exp(z / T) over all classes. [rowCount] each. */
  readonly logSumExp: readonly Float32Array[];
  /** Per stored temperature: log of the probability outside the top k. [rowCount] each; empty when dense. */
  readonly tailLogMass: readonly Float32Array[];
  /** Over all classes, T = 1. [rowCount] */
  readonly entropyNats: Float32Array;
}

/** The rows at these positions, in this order. */
export function takeRows(rows: SoftLabelRows, indices: ArrayLike<number>): SoftLabelRows {
  const positions = Array.from(indices);
  const outside = positions.find((row) => !(row >= 0 && row < rows.rowCount));
  if (outside !== undefined) throw new RangeError(`row ${outside} of ${rows.rowCount}`);
  const items = <T>(values: readonly T[]) => positions.flatMap((row) => values.slice(row, row + 1));
  const width = (values: Float32Array) => (rows.rowCount === 0 ? 0 : values.length / rows.rowCount);
  const floats = (values: Float32Array) => gather(values, positions, width(values), Float32Array);
  return {
    rowCount: positions.length,
    exampleIds: items(rows.exampleIds),
    splits: items(rows.splits),
    sourceIds: items(rows.sourceIds),
    topIds: gather(rows.topIds, positions, width(rows.topLogits), Int32Array),
    topLogits: floats(rows.topLogits),
    logits: floats(rows.logits),
    logSumExp: rows.logSumExp.map(floats),
    tailLogMass: rows.tailLogMass.map(floats),
    entropyNats: floats(rows.entropyNats),
  };
}

/** All rows of all parts, in order. The parts must have the same k and the same temperatures. */
export function concatRows(parts: readonly SoftLabelRows[]): SoftLabelRows {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const floats = (values: readonly (Float32Array | undefined)[]) =>
    joinNumbers(
      values.filter((part) => part !== undefined),
      Float32Array,
    );
  return {
    rowCount: parts.reduce((sum, part) => sum + part.rowCount, 0),
    exampleIds: parts.flatMap((part) => part.exampleIds),
    splits: parts.flatMap((part) => part.splits),
    sourceIds: parts.flatMap((part) => part.sourceIds),
    topIds: joinNumbers(
      parts.map((part) => part.topIds),
      Int32Array,
    ),
    topLogits: floats(parts.map((part) => part.topLogits)),
    logits: floats(parts.map((part) => part.logits)),
    logSumExp: (first?.logSumExp ?? []).map((_, t) => floats(parts.map((p) => p.logSumExp[t]))),
    tailLogMass: (first?.tailLogMass ?? []).map((_, t) =>
      floats(parts.map((p) => p.tailLogMass[t])),
    ),
    entropyNats: floats(parts.map((part) => part.entropyNats)),
  };
}

/** No rows, of a cache with so many stored temperatures. */
export function emptyRows(temperatureCount: number): SoftLabelRows {
  const none = new Float32Array(0);
  const perTemperature = Array.from({ length: temperatureCount }, () => none);
  return {
    rowCount: 0,
    exampleIds: [],
    splits: [],
    sourceIds: [],
    topIds: new Int32Array(0),
    topLogits: none,
    logits: none,
    logSumExp: perTemperature,
    tailLogMass: perTemperature,
    entropyNats: none,
  };
}

function gather<A extends Int32Array | Float32Array>(
  values: A,
  positions: readonly number[],
  width: number,
  Result: new (length: number) => A,
): A {
  const result = new Result(positions.length * width);
  for (const [target, row] of positions.entries()) {
    result.set(values.subarray(row * width, (row + 1) * width), target * width);
  }
  return result;
}
