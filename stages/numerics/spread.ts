/** Where values of one thing that was measured several times lie. */
export interface SpreadOfValues {
  readonly n: number;
  readonly mean: number;
  /** Standard deviation of a sample (n - 1); 0 of a single value. */
  readonly sd: number;
  readonly min: number;
  readonly max: number;
}

/** Mean and spread of at least one value. */
export function spreadOf(values: readonly number[]): SpreadOfValues {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const sd = n < 2 ? 0 : Math.sqrt(squares / (n - 1));
  return { n, mean, sd, min: Math.min(...values), max: Math.max(...values) };
}
