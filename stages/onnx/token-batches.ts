import { featureRow, hasFreeAxis, shapesOf, stepsOf } from '#datasets/feature-rows.ts';
import type { FeatureRow, FeatureTable } from '#datasets/features.ts';
import type { TokenTable } from '#datasets/tokens.ts';

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

/** Rows of one batch side by side, padded on the right to the longest. */
export interface PaddedBatch {
  readonly batchSize: number;
  readonly sequenceLength: number;
  /** [batchSize * sequenceLength] each, int64 as ONNX encoders want them. */
  readonly inputIds: BigInt64Array;
  readonly attentionMask: BigInt64Array;
  readonly tokenTypeIds: BigInt64Array;
}

/** Pads with `padTokenId`, to a fixed length where the model has one; the attention mask is 1 on real tokens. */
export function padBatch(
  rows: readonly TokenRow[],
  padTokenId: number,
  fixedLength = 1,
): PaddedBatch {
  const sequenceLength = Math.max(fixedLength, ...rows.map((row) => row.tokenIds.length));
  const size = rows.length * sequenceLength;
  const inputIds = new BigInt64Array(size).fill(BigInt(padTokenId));
  const attentionMask = new BigInt64Array(size);
  const tokenTypeIds = new BigInt64Array(size);
  rows.forEach((row, index) => {
    const start = index * sequenceLength;
    for (let at = 0; at < row.tokenIds.length; at++) {
      inputIds[start + at] = BigInt(row.tokenIds[at] ?? padTokenId);
    }
    attentionMask.fill(1n, start, start + row.tokenIds.length);
    if (row.typeIds !== null) tokenTypeIds.set(Array.from(row.typeIds, BigInt), start);
  });
  return { batchSize: rows.length, sequenceLength, inputIds, attentionMask, tokenTypeIds };
}
