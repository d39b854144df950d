/**
 * sum over thresholds of (R_n - R_(n-1)) P_n, rows of equal score entering together; null without a yes.
 * The definition that scikit-learn's `average_precision_score` has: the area under the precision-recall curve.
 */
export function averagePrecision(
  scores: ArrayLike<number>,
  isYes: ArrayLike<boolean>,
): number | null {
  let total = 0;
  for (let row = 0; row < isYes.length; row++) if (isYes[row]) total += 1;
  if (total === 0) return null;
  const order = Array.from(scores, (_, row) => row);
  order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  let [found, before, sum] = [0, 0, 0];
  for (const [place, row] of order.entries()) {
    if (isYes[row]) found += 1;
    const next = order[place + 1];
    if (next !== undefined && scores[next] === scores[row]) continue;
    // Divided once, at the end: so the sum of shares never ends above 1.
    sum += (found - before) * (found / (place + 1));
    before = found;
  }
  return sum / total;
}

/** Mean over the classes that some row has; null where none has any. */
export function meanAveragePrecision(ofClasses: readonly (number | null)[]): number | null {
  const known = ofClasses.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
