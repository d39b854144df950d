import type { Split } from '#datasets/example.ts';
import { joinNumbers } from '#datasets/parquet/columns.ts';
import { hasPositions, type SoftLabelMeta } from './soft-label-meta.ts';

/** Rows of soft labels, column by column. */
export interface SoftLabelRows {
  readonly rowCount: number;
  readonly exampleIds: readonly string[];
  readonly splits: readonly Split[];
  readonly sourceIds: readonly (string | null)[];
  /** Token rows only: place in the example, ascending; rows of an example stand together. [rowCount] */
  readonly positions?: Int32Array;
  /** [rowCount * topK], best first; empty unless top-k. */
  readonly topIds: Int32Array;
  /** [rowCount * topK] raw teacher logits, rounded where the precision says so; empty unless top-k. */
  readonly topLogits: Float32Array;
  /** [rowCount * classCount] raw teacher logits in class order; empty unless dense. */
  readonly logits: Float32Array;
  /** Per stored temperature: log sum exp(z / T) over all classes. [rowCount] each; empty when sampled. */
  readonly logSumExp: readonly Float32Array[];
  /** Per stored temperature: log of the probability outside the top k. [rowCount] each; empty unless top-k. */
  readonly tailLogMass: readonly Float32Array[];
  /** Mode sampled only. */
  readonly sampled?: SampledColumns;
  /** Over all classes, T = 1; multi-label: summed over the classes; regression: 0. [rowCount] */
  readonly entropyNats: Float32Array;
  /** Teacher features by name, [rowCount * width] each. */
  readonly hidden?: Readonly<Record<string, Float32Array>>;
}

/** Rows without whose they are. */
export type SoftLabelNumbers = Omit<SoftLabelRows, 'exampleIds' | 'splits' | 'sourceIds'>;

/** How often each class came up in so many draws from the teacher's distribution. */
export interface SampledColumns {
  /** Row r has the classes `offsets[r]` to `offsets[r + 1]`. [rowCount + 1], from 0 on. */
  readonly offsets: Int32Array;
  /** The teacher's best class first, drawn or not; then the drawn ones, most frequent first. */
  readonly ids: Int32Array;
  readonly counts: Int32Array;
  /** Exact probability of the best class at T = 1. [rowCount] */
  readonly confidence: Float32Array;
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
    ...(rows.positions && { positions: gather(rows.positions, positions, 1, Int32Array) }),
    ...(rows.sampled && { sampled: takeSamples(rows.sampled, positions) }),
    ...(rows.hidden && { hidden: mapValues(rows.hidden, floats) }),
  };
}

/** All rows of all parts, in order. The parts must have the same k and the same temperatures. */
export function concatRows(parts: readonly SoftLabelRows[]): SoftLabelRows {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  return {
    ...concatNumbers(parts),
    exampleIds: parts.flatMap((part) => part.exampleIds),
    splits: parts.flatMap((part) => part.splits),
    sourceIds: parts.flatMap((part) => part.sourceIds),
  };
}

/** As `concatRows`, for rows without their texts. */
export function concatNumbers(parts: readonly SoftLabelNumbers[]): SoftLabelNumbers {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const floats = (values: readonly (Float32Array | undefined)[]) =>
    joinNumbers(
      values.filter((part) => part !== undefined),
      Float32Array,
    );
  const integers = (values: readonly (Int32Array | undefined)[]) =>
    joinNumbers(
      values.filter((part) => part !== undefined),
      Int32Array,
    );
  const samples = parts.flatMap((part) => part.sampled ?? []);
  return {
    rowCount: parts.reduce((sum, part) => sum + part.rowCount, 0),
    topIds: integers(parts.map((part) => part.topIds)),
    topLogits: floats(parts.map((part) => part.topLogits)),
    logits: floats(parts.map((part) => part.logits)),
    logSumExp: (first?.logSumExp ?? []).map((_, t) => floats(parts.map((p) => p.logSumExp[t]))),
    tailLogMass: (first?.tailLogMass ?? []).map((_, t) =>
      floats(parts.map((p) => p.tailLogMass[t])),
    ),
    entropyNats: floats(parts.map((part) => part.entropyNats)),
    ...(first?.positions && { positions: integers(parts.map((part) => part.positions)) }),
    ...(first?.sampled && { sampled: concatSamples(samples) }),
    ...(first?.hidden && {
      hidden: mapValues(first.hidden, (_, name) => floats(parts.map((p) => p.hidden?.[name]))),
    }),
  };
}

/** No rows, of a cache like this. */
export function emptyRows(meta: SoftLabelMeta): SoftLabelRows {
  const none = new Float32Array(0);
  const perTemperature = meta.temperatures.map(() => none);
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
    ...(hasPositions(meta) && { positions: new Int32Array(0) }),
    ...(meta.mode === 'sampled' && { sampled: concatSamples([]) }),
    ...(meta.hidden && { hidden: mapValues(meta.hidden, () => none) }),
  };
}

function takeSamples(sampled: SampledColumns, rows: readonly number[]): SampledColumns {
  const { offsets, ids, counts, confidence } = sampled;
  const range = (row: number) => [offsets[row], offsets[row + 1]] as const;
  return concatSamples(
    rows.map((row) => ({
      offsets: Int32Array.of(0, (offsets[row + 1] ?? 0) - (offsets[row] ?? 0)),
      ids: ids.subarray(...range(row)),
      counts: counts.subarray(...range(row)),
      confidence: confidence.subarray(row, row + 1),
    })),
  );
}

function concatSamples(parts: readonly SampledColumns[]): SampledColumns {
  const join = (column: 'ids' | 'counts') =>
    joinNumbers(
      parts.map((part) => part[column]),
      Int32Array,
    );
  const confidence = joinNumbers(
    parts.map((part) => part.confidence),
    Float32Array,
  );
  const offsets = new Int32Array(confidence.length + 1);
  let [row, base] = [0, 0];
  for (const part of parts) {
    for (const offset of part.offsets.subarray(1)) offsets[++row] = base + offset;
    base = offsets[row] ?? 0;
  }
  return { offsets, ids: join('ids'), counts: join('counts'), confidence };
}

function mapValues<From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, change(value, name)]),
  );
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
