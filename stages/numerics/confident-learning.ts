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
  const suggestedId = countedClass(probs, thresholds);
  if (suggestedId === -1 || suggestedId === goldId) return null;
  const isBest = Array.from(probs).every((prob) => prob <= at(probs, goldId));
  return isBest ? null : { suggestedId, margin: at(probs, goldId) - at(probs, suggestedId) };
}

/**
 * Share of labels that are wrong, by the joint of given and true class (ibid., section 3.1): rows that reach
 * a threshold are counted at the class that `labelIssue` would name, and each given class is scaled to all of
 * its rows. `countedIds`: that class of each row, -1 where it reaches no threshold.
 */
export function estimatedNoise(
  goldIds: ArrayLike<number>,
  countedIds: ArrayLike<number>,
  classCount: number,
): number {
  const [rows, counted, elsewhere] = [0, 1, 2].map(() => new Float64Array(classCount)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let row = 0; row < goldIds.length; row++) {
    const goldId = at(goldIds, row);
    rows[goldId] = at(rows, goldId) + 1;
    if (at(countedIds, row) === -1) continue;
    counted[goldId] = at(counted, goldId) + 1;
    if (at(countedIds, row) !== goldId) elsewhere[goldId] = at(elsewhere, goldId) + 1;
  }
  const wrong = rows.map((count, id) => (count * at(elsewhere, id)) / Math.max(1, at(counted, id)));
  return goldIds.length === 0 ? 0 : wrong.reduce((sum, count) => sum + count, 0) / goldIds.length;
}

/** The most probable of the classes whose threshold a row reaches; -1 where there is none. */
export function countedClass(probs: ArrayLike<number>, thresholds: ArrayLike<number>): number {
  let countedId = -1;
  for (let id = 0; id < probs.length; id++) {
    if (at(probs, id) < at(thresholds, id)) continue;
    if (countedId === -1 || at(probs, id) > at(probs, countedId)) countedId = id;
  }
  return countedId;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
