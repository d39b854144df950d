/**
 * Sequence lengths (multiples of 8, ascending) that inputs are padded to. Every bucket costs a graph of
 * its own, so it is the fewest buckets that need at most 5 % more padded tokens than `maxBuckets` would.
 */
export function chooseBuckets(lengths: Iterable<number>, maxBuckets = 4): number[] {
  const histogram = roundedHistogram(lengths);
  const sizes = [...histogram.keys()].sort((a, b) => a - b);
  const counts = sizes.map((size) => histogram.get(size) ?? 0);
  const plans = cheapestPlans(sizes, counts, Math.min(maxBuckets, sizes.length));
  const best = plans.at(-1);
  if (best === undefined) return [multiple];
  const chosen = plans.find((plan) => plan.tokens <= best.tokens * tolerance) ?? best;
  return chosen.buckets;
}

/** Position of the first bucket that holds an input of this length. */
export function bucketIndexOf(length: number, buckets: readonly number[]): number {
  const index = buckets.findIndex((bucket) => length <= bucket);
  if (index < 0) throw new RangeError(`no bucket of ${buckets.join(', ')} holds ${length} tokens`);
  return index;
}

interface Plan {
  readonly buckets: number[];
  /** Tokens of all inputs after padding. */
  readonly tokens: number;
}

/** The best plan of exactly 1, 2, ... buckets: dynamic programming over the distinct lengths. */
function cheapestPlans(sizes: number[], counts: number[], maxBuckets: number): Plan[] {
  // best[i] = cheapest plan for the sizes before i with the number of buckets of this round
  let best: (Plan | undefined)[] = [{ buckets: [], tokens: 0 }];
  const plans: Plan[] = [];
  for (let round = 1; round <= maxBuckets; round++) {
    best = Array.from({ length: sizes.length + 1 }, (_, end) => cheapestEnd(best, end));
    const plan = best[sizes.length];
    if (plan !== undefined) plans.push(plan);
  }
  return plans;

  function cheapestEnd(shorter: readonly (Plan | undefined)[], end: number): Plan | undefined {
    const size = sizes[end - 1];
    if (size === undefined) return undefined;
    let cheapest: Plan | undefined;
    let rows = 0;
    for (let start = end - 1; start >= 0; start--) {
      rows += counts[start] ?? 0;
      const before = shorter[start];
      if (before === undefined) continue;
      const tokens = before.tokens + rows * size;
      if (cheapest === undefined || tokens < cheapest.tokens) {
        cheapest = { buckets: [...before.buckets, size], tokens };
      }
    }
    return cheapest;
  }
}

function roundedHistogram(lengths: Iterable<number>): Map<number, number> {
  const histogram = new Map<number, number>();
  for (const length of lengths) {
    const size = Math.max(multiple, Math.ceil(length / multiple) * multiple);
    histogram.set(size, (histogram.get(size) ?? 0) + 1);
  }
  return histogram;
}

const multiple = 8;
const tolerance = 1.05;
