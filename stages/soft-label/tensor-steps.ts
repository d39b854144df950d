import { stepsOf } from '#datasets/feature-rows.ts';
import type { FeatureRow, TensorShape } from '#datasets/features.ts';

/** What stands in for the number of tokens of a row without text: steps of its free axis, or its size. */
export function tensorSteps(
  shapes: Readonly<Record<string, TensorShape>>,
  row: FeatureRow,
): number {
  const values = Object.values(row).reduce((sum, { length }) => sum + length, 0);
  return stepsOf(shapes, row) ?? Math.ceil(values / VALUES_PER_TOKEN);
}

/** So many numbers of a tensor count as one token where batches are cut. */
const VALUES_PER_TOKEN = 256;
