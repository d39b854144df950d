/** How values are spread, in the form of TensorFlow's HistogramProto. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Right ends of the buckets, ascending; the last one is `max`. */
  readonly limits: readonly number[];
  readonly counts: readonly number[];
}

/** Buckets of equal width between the least and the greatest value. Values that are no number are not counted. */
export function histogramOf(values: Float32Array, buckets = 30): Histogram {
  let [min, max, count, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    count += 1;
    sum += value;
    sumOfSquares += value * value;
  }
  if (count === 0) return { min: 0, max: 0, count, sum, sumOfSquares, limits: [], counts: [] };
  const width = (max - min) / buckets;
  if (width === 0) return { min, max, count, sum, sumOfSquares, limits: [max], counts: [count] };
  const counts = new Float64Array(buckets);
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    const bucket = Math.min(buckets - 1, Math.floor((value - min) / width));
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const limits = Array.from(counts, (_, bucket) =>
    bucket + 1 < buckets ? min + (bucket + 1) * width : max,
  );
  return { min, max, count, sum, sumOfSquares, limits, counts: Array.from(counts) };
}
