import { leastConfidence, type WeighedClaim } from './claim-thresholds.ts';

/** The class that speaks against a label, and how much. */
export interface Objection {
  readonly suggestedId: number;
  /** p(suggested) / (p(suggested) + p(label)): how likely it is of the two, 0.5 to 1. */
  readonly share: number;
}

/** What the most probable class has to say against a label; null where it is the label's. */
export function objection(probs: ArrayLike<number>, labelId: number): Objection | null {
  let suggestedId = 0;
  for (let id = 1; id < probs.length; id++) {
    if (at(probs, id) > at(probs, suggestedId)) suggestedId = id;
  }
  if (at(probs, suggestedId) <= at(probs, labelId)) return null;
  const [best, own] = [at(probs, suggestedId), at(probs, labelId)];
  return { suggestedId, share: best / (best + own) };
}

/**
 * The least share from which on changes are right in at least `precision` of the cases, on rows whose class is
 * known: each of them once with its own label, weighing 1 - noise, and once with each other class for a label,
 * weighing noise together. Null where no share is enough.
 */
export function leastShare(
  rows: readonly { readonly probs: ArrayLike<number>; readonly classId: number }[],
  { noise, precision }: { readonly noise: number; readonly precision: number },
): number | null {
  const claims: WeighedClaim[] = [];
  for (const { probs, classId } of rows) {
    const classCount = probs.length;
    for (let labelId = 0; labelId < classCount; labelId++) {
      const against = objection(probs, labelId);
      if (against === null) continue;
      const weight = labelId === classId ? 1 - noise : noise / (classCount - 1);
      const isRight = against.suggestedId === classId;
      claims.push({ confidence: against.share, isRight, weight });
    }
  }
  return leastConfidence(claims, precision);
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
