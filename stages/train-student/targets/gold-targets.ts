import type { HardLabel } from '#datasets/hard-labels.ts';
import type { GoldLabel } from '#datasets/labels.ts';

/** A class that the hard loss wants, with its share of the row. */
export interface GoldTarget {
  readonly labelId: number;
  readonly weight: number;
}

/** What the hard loss wants of each labelled example. A relabelled example has its new label only. */
export function goldTargets(
  labels: readonly GoldLabel[],
  hardLabels: readonly HardLabel[],
): Map<string, readonly GoldTarget[]> {
  const targets = new Map<string, GoldTarget[]>();
  for (const { exampleId, labelId, weight } of labels) {
    const earlier = targets.get(exampleId);
    if (earlier === undefined) targets.set(exampleId, [{ labelId, weight }]);
    else earlier.push({ labelId, weight });
  }
  for (const { exampleId, split, newLabelId } of hardLabels) {
    if (split === 'train') targets.set(exampleId, [{ labelId: newLabelId, weight: 1 }]);
  }
  return targets;
}
