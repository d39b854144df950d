/** What speaks against a label. */
export interface LabelIssue {
  /** The class that the row likely belongs to. */
  readonly suggestedId: number;
  /** p(given label) - p(suggested class), -1 to 1: the normalised margin; the smaller the worse. */
  readonly margin: number;
}

/**
 * Thresholds of confident learning (Northcutt, Jiang and Chuang 2021): for each class the mean
 * probability that its own rows give it. A class without rows can be suggested to nobody.
 */
export function classThresholds(
  goldIds: ArrayLike<number>,
  selfConfidences: ArrayLike<number>,
  classCount: number,
): Float64Array {
  const sums = new Float64Array(classCount);
  const counts = new Float64Array(classCount);
  for (let row = 0; row < goldIds.length; row++) {
    const goldId = at(goldIds, row);
    sums[goldId] = at(sums, goldId) + at(selfConfidences, row);
    counts[goldId] = at(counts, goldId) + 1;
  }
  return sums.map((sum, id) => (at(counts, id) === 0 ? Infinity : sum / at(counts, id)));
}

/**
 * Is the row confidently counted as of another class than its label says? Of the classes whose
 * threshold it reaches the most probable one counts; a row that reaches none counts for nobody. As in
 * cleanlab a label that is the most probable class of all is never doubted.
 */
export function labelIssue(
  probs: ArrayLike<number>,
  goldId: number,
  thresholds: ArrayLike<number>,
): LabelIssue | null {
  let [suggestedId, bestId] = [-1, 0];
  for (let id = 0; id < probs.length; id++) {
    if (at(probs, id) > at(probs, bestId)) bestId = id;
    if (at(probs, id) < at(thresholds, id)) continue;
    if (suggestedId === -1 || at(probs, id) > at(probs, suggestedId)) suggestedId = id;
  }
  if (suggestedId === -1 || suggestedId === goldId || bestId === goldId) return null;
  return { suggestedId, margin: at(probs, goldId) - at(probs, suggestedId) };
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
