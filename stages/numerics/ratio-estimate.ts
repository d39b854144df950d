/** A ratio of sums with the interval that its terms leave open. */
export interface RatioEstimate {
  readonly ratio: number;
  /** 95 %, never below 0. */
  readonly low: number;
  readonly high: number;
}

/**
 * sum(y) / sum(x) over pairs [x, y], x > 0, with the standard error of a ratio estimator (Cochran,
 * Sampling Techniques, eq. 6.13, without the finite population correction). A single pair has no error to tell.
 */
export function ratioEstimate(pairs: readonly (readonly [x: number, y: number])[]): RatioEstimate {
  const sum = (valueOf: (pair: readonly [number, number]) => number) =>
    pairs.reduce((total, pair) => total + valueOf(pair), 0);
  const n = pairs.length;
  const ratio = sum(([, y]) => y) / sum(([x]) => x);
  const meanX = sum(([x]) => x) / n;
  const residuals = sum(([x, y]) => (y - ratio * x) ** 2);
  const error = n < 2 ? 0 : Math.sqrt(residuals / (n * (n - 1))) / meanX;
  return { ratio, low: Math.max(0, ratio - 1.96 * error), high: ratio + 1.96 * error };
}
