import { featureRow, hasFreeAxis, shapesOf, stepsOf } from '#datasets/feature-rows.ts';
import type { FeatureRow, FeatureTable } from '#datasets/features.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';

/** The tokens of one example. */
export interface TokenRow {
  readonly tokenIds: Int32Array;
  /** Null where the examples are not pairs. */
  readonly typeIds: Int32Array | null;
  /** Tensors of the example by model input, where the corpus has any. */
  readonly features?: FeatureRow;
}

/** The tokens of row `row`, and its tensors (in the order of the tokens), as views. */
export function tokenRow(table: TokenTable, row: number, features?: FeatureTable): TokenRow {
  const [from, to] = [table.offsets[row], table.offsets[row + 1]];
  if (from === undefined || to === undefined) throw new RangeError(`no token row ${row}`);
  return {
    tokenIds: table.tokenIds.subarray(from, to),
    typeIds: table.typeIds?.subarray(from, to) ?? null,
    ...(features && { features: featureRow(features, row) }),
  };
}

/**
 * Row numbers of a table in batches, rows of like length together so that little is padded. Tensors are not
 * padded: where they differ in length, only equal ones stand together.
 */
export function lengthBatches(
  table: TokenTable,
  rows: readonly number[],
  batchSize: number,
  features?: FeatureTable,
): number[][] {
  const shapes = features && shapesOf(features);
  if (features !== undefined && shapes !== undefined && hasFreeAxis(shapes)) {
    const steps = (row: number) => stepsOf(shapes, featureRow(features, row)) ?? 0;
    const lengths = [...new Set(rows.map(steps))];
    return lengths.flatMap((length) =>
      batchesByLength(
        rows.filter((row) => steps(row) === length),
        () => 0,
        batchSize,
      ),
    );
  }
  const length = (row: number) => (table.offsets[row + 1] ?? 0) - (table.offsets[row] ?? 0);
  return batchesByLength(rows, length, batchSize);
}

/** Row numbers in batches, shortest first, rows of equal length in their order. */
export function batchesByLength(
  rows: readonly number[],
  lengthOf: (row: number) => number,
  batchSize: number,
): number[][] {
  const sorted = rows.toSorted((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  return Array.from({ length: Math.ceil(sorted.length / batchSize) }, (_, batch) =>
    sorted.slice(batch * batchSize, (batch + 1) * batchSize),
  );
}

/** Tokens of the longest of some rows. */
export function longestOf(rows: readonly TokenRow[]): number {
  return Math.max(1, ...rows.map(({ tokenIds }) => tokenIds.length));
}
