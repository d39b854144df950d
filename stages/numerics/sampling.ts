/** Classes that came up in some draws, and how often. */
export interface Draws {
  /** Ascending. */
  readonly ids: Int32Array;
  readonly counts: Int32Array;
}

/**
 * Independent draws from softmax(logits / T), by inversion: the expected share of a class is its
 * probability. One pass over the classes, however many draws; none where the logits are not finite.
 */
export function drawClasses(
  logits: ArrayLike<number>,
  options: { readonly temperature: number; readonly draws: number },
  random: () => number,
): Draws {
  const weights = relativeWeights(logits, options.temperature);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0 && total < Number.POSITIVE_INFINITY))
    return { ids: new Int32Array(), counts: new Int32Array() };
  const points = Float64Array.from({ length: options.draws }, random).sort();
  const counts = new Map<number, number>();
  const last = weights.findLastIndex((weight) => weight > 0);
  let [classId, sum] = [0, weights[0] ?? 0];
  for (const point of points) {
    // The last point may round up to the very end.
    while (point * total >= sum && classId < last) sum += weights[++classId] ?? 0;
    counts.set(classId, (counts.get(classId) ?? 0) + 1);
  }
  return { ids: Int32Array.from(counts.keys()), counts: Int32Array.from(counts.values()) };
}

/** exp((z - highest) / T). */
function relativeWeights(logits: ArrayLike<number>, temperature: number): Float64Array {
  let highest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) highest = Math.max(highest, logits[id] ?? Number.NaN);
  return Float64Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
}
