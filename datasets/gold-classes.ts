import type { GoldLabel } from './labels.ts';

/** The one gold class of each labelled example: where a soft gold label names several, the heaviest; ties by class order. */
export function goldClasses(labels: readonly GoldLabel[]): Map<string, number> {
  const best = new Map<string, GoldLabel>();
  for (const label of labels) {
    const kept = best.get(label.exampleId);
    if (kept === undefined || outweighs(label, kept)) best.set(label.exampleId, label);
  }
  return new Map([...best].map(([exampleId, label]) => [exampleId, label.labelId]));
}

function outweighs(label: GoldLabel, kept: GoldLabel): boolean {
  if (label.weight !== kept.weight) return label.weight > kept.weight;
  return label.labelId < kept.labelId;
}
