/** A student as it is compared with others. */
export interface Candidate {
  readonly name: string;
  /** The higher the better. */
  readonly score: number;
  readonly standardError: number;
  readonly fileBytes: number;
}

/** Which one is taken, and which others would have done as well. */
export interface Chosen {
  readonly name: string;
  readonly goodEnough: readonly string[];
  readonly margin: number;
}

/**
 * The smallest file whose score is within `tolerance`, or within a standard error of the best if that is
 * more, of the best score. Of equal files the better one, then the first.
 */
export function smallestGood(candidates: readonly Candidate[], tolerance: number): Chosen {
  const best = candidates.reduce((one, other) => (other.score > one.score ? other : one));
  const margin = Math.max(tolerance, best.standardError);
  const good = candidates.filter(({ score }) => score >= best.score - margin);
  const [smallest = best] = good.toSorted(
    (one, other) => one.fileBytes - other.fileBytes || other.score - one.score,
  );
  return { name: smallest.name, goodEnough: good.map(({ name }) => name), margin };
}
