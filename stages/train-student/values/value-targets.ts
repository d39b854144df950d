import type { GoldTargets } from '#datasets/targets.ts';
import type { GoldTarget } from '#stages/train-student/targets/gold-targets.ts';

/** Gold values as what the hard loss wants: every output with its value. */
export function valueTargets(rows: readonly GoldTargets[]): Map<string, readonly GoldTarget[]> {
  return new Map(
    rows.map(({ exampleId, targets }) => [
      exampleId,
      Array.from(targets, (weight, labelId) => ({ labelId, weight })),
    ]),
  );
}

/** Values of all labelled rows of a batch: [batchSize, outputs], and 1 for each row that has some. */
export function valueFeeds(
  rows: readonly { readonly gold: readonly GoldTarget[] }[],
  { batchSize, outputs }: { readonly batchSize: number; readonly outputs: number },
): { goldValues: Float32Array; goldRows: Float32Array } {
  const goldValues = new Float32Array(batchSize * outputs);
  const goldRows = new Float32Array(batchSize);
  for (const [row, { gold }] of rows.entries()) {
    for (const { labelId, weight } of gold) goldValues[row * outputs + labelId] = weight;
    goldRows[row] = gold.length > 0 ? 1 : 0;
  }
  return { goldValues, goldRows };
}
