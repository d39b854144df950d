import { setImmediate as nextTurn } from 'node:timers/promises';
import { featureRow } from '#datasets/feature-rows.ts';
import type { StoredFeatures } from '#datasets/features.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { inferenceFeeds } from './batches/batch-feeds.ts';
import { bucketIndexOf } from './batches/buckets.ts';
import { tokenIdsOf, tokenLengths } from './batches/token-rows.ts';

/** How rows are put into batches for a forward pass. */
export interface PredictOptions {
  readonly buckets: readonly number[];
  readonly batchSize: number;
  readonly padTokenId: number;
  readonly classCount: number;
  /** Numbers of each tensor of a row. */
  readonly features?: Readonly<Record<string, number>> | undefined;
  readonly signal: AbortSignal;
}

/** Rows to predict: tokens, and tensors in the same order where the corpus has any. */
export interface PredictedRows {
  readonly tokens: StoredTokens;
  readonly features?: StoredFeatures | undefined;
}

/** Logits of every row, in order, or of every answer where rows have several. [rows * classCount] */
export async function predictRows(
  stepper: Stepper,
  { tokens, features }: PredictedRows,
  options: PredictOptions,
): Promise<Float32Array> {
  const { buckets, batchSize, classCount } = options;
  const { places, count } = placesOf(tokens);
  const logits = new Float32Array(count * classCount);
  for (const [index, rows] of rowsByBucket(tokens, buckets).entries()) {
    const bucket = buckets[index] ?? 0;
    for (let start = 0; start < rows.length; start += batchSize) {
      // A turn of the event loop, so that an abort that came in is seen.
      await nextTurn();
      options.signal.throwIfAborted();
      const batch = rows.slice(start, start + batchSize);
      const inputs = batch.map((row) => ({
        tokenIds: tokenIdsOf(tokens, row),
        ...(features && { features: featureRow(features, row) }),
      }));
      const answer = stepper.evaluate(bucket, inferenceFeeds(inputs, bucket, options));
      for (const [index, row] of batch.entries()) {
        for (const { from, to } of places(index, row, bucket)) {
          const values = answer.subarray(from * classCount, (from + 1) * classCount);
          logits.set(values, to * classCount);
        }
      }
    }
  }
  return logits;
}

/** Which row of a batch's logits belongs to which answer of the table. */
function placesOf({ answers, exampleIds }: StoredTokens) {
  if (answers === undefined) {
    return {
      count: exampleIds.length,
      places: (index: number, row: number) => [{ from: index, to: row }],
    };
  }
  const { at, offsets } = answers;
  return {
    count: at.length,
    places: (index: number, row: number, bucket: number) =>
      Array.from(at.subarray(offsets[row], offsets[row + 1]), (place, number) => ({
        from: index * bucket + place,
        to: (offsets[row] ?? 0) + number,
      })),
  };
}

function rowsByBucket(tokens: StoredTokens, buckets: readonly number[]): number[][] {
  const rows: number[][] = buckets.map(() => []);
  for (const [row, length] of tokenLengths(tokens).entries()) {
    rows[bucketIndexOf(length, buckets)]?.push(row);
  }
  return rows;
}
