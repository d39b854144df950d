/** How sure a model was of what it said, and whether it was right. */
export interface Claim {
  readonly confidence: number;
  readonly isRight: boolean;
}

/**
 * The least confidence from which on claims are right in at least this share; null where none is enough. It
 * lies half-way to the claim below, so that no last bit of a confidence decides.
 */
export function leastConfidence(claims: readonly Claim[], precision: number): number | null {
  const surest = claims.toSorted((a, b) => b.confidence - a.confidence);
  let [right, found]: [number, number | null] = [0, null];
  for (const [at, { confidence, isRight }] of surest.entries()) {
    if (isRight) right++;
    const next = surest[at + 1]?.confidence;
    // Equal claims are made together or not at all.
    if (next === confidence || right < precision * (at + 1)) continue;
    found = next === undefined ? 0 : (confidence + next) / 2;
  }
  return found;
}

/** The confidence below which as many claims lie as may be, and not more than this share of them. */
export function confidenceWithout(claims: readonly Claim[], share: number): number {
  const rising = claims.map(({ confidence }) => confidence).sort((a, b) => a - b);
  for (let below = Math.floor(share * rising.length); below > 0; below--) {
    const [last = 0, first = 1] = [rising[below - 1], rising[below]];
    if (last < first) return (last + first) / 2;
  }
  return 0;
}
