/** One equal-width bin of confidence: what was claimed beside what came true. */
export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Null in an empty bin. */
  readonly meanConfidence: number | null;
  readonly accuracy: number | null;
}

/** How well one class is found. A ratio with nothing in its denominator is 0, as in scikit-learn. */
export interface ClassScore {
  readonly support: number;
  readonly predicted: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** Rows of class `goldId` that were taken for `predictedId`. */
export interface ConfusionPair {
  readonly goldId: number;
  readonly predictedId: number;
  readonly count: number;
}

/** 1 where prediction and gold are the same class, else 0. */
export function correctness(predictedIds: Int32Array, goldIds: Int32Array): Uint8Array {
  requireEqualLengths(predictedIds, goldIds);
  return Uint8Array.from(predictedIds, (id, row) => (id === goldIds[row] ? 1 : 0));
}

/** Share of rows whose predicted class is the gold class. */
export function accuracy(predictedIds: Int32Array, goldIds: Int32Array): number {
  return mean(correctness(predictedIds, goldIds));
}

/** Share of rows on which student and teacher put the same class first. */
export function agreement(studentIds: Int32Array, teacherIds: Int32Array): number {
  return accuracy(studentIds, teacherIds);
}

/** Equal-width bins (lower, upper] over [0, 1], as in Guo et al. 2017. */
export function calibrationBins(
  confidences: Float64Array | Float32Array,
  correct: Uint8Array,
  binCount = CALIBRATION_BINS,
): CalibrationBin[] {
  requireEqualLengths(confidences, correct);
  const counts = new Float64Array(binCount);
  const confidenceSums = new Float64Array(binCount);
  const correctSums = new Float64Array(binCount);
  confidences.forEach((confidence: number, row: number) => {
    const bin = Math.min(binCount - 1, Math.max(0, Math.ceil(confidence * binCount) - 1));
    counts[bin] = at(counts, bin) + 1;
    confidenceSums[bin] = at(confidenceSums, bin) + confidence;
    correctSums[bin] = at(correctSums, bin) + at(correct, row);
  });
  return Array.from(counts, (count, bin) => ({
    from: bin / binCount,
    to: (bin + 1) / binCount,
    count,
    meanConfidence: count === 0 ? null : at(confidenceSums, bin) / count,
    accuracy: count === 0 ? null : at(correctSums, bin) / count,
  }));
}

/** Mean distance between confidence and accuracy over the bins, weighted by their rows. */
export function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  const rows = bins.reduce((sum, bin) => sum + bin.count, 0);
  const gap = (bin: CalibrationBin) => Math.abs((bin.accuracy ?? 0) - (bin.meanConfidence ?? 0));
  return rows === 0 ? 0 : bins.reduce((sum, bin) => sum + bin.count * gap(bin), 0) / rows;
}

/** Precision, recall and F1 of every class, in class order. */
export function classScores(
  predictedIds: Int32Array,
  goldIds: Int32Array,
  classCount: number,
): ClassScore[] {
  requireEqualLengths(predictedIds, goldIds);
  const support = countsOf(goldIds, classCount);
  const predicted = countsOf(predictedIds, classCount);
  const hits = countsOf(
    goldIds.filter((id, row) => id === predictedIds[row]),
    classCount,
  );
  return Array.from(hits, (hit, id) => ({
    support: at(support, id),
    predicted: at(predicted, id),
    precision: ratio(hit, at(predicted, id)),
    recall: ratio(hit, at(support, id)),
    f1: ratio(2 * hit, at(predicted, id) + at(support, id)),
  }));
}

/** Mean F1 over the classes that occur as gold or as prediction. */
export function macroF1(scores: readonly ClassScore[]): number {
  const seen = scores.filter((score) => score.support + score.predicted > 0);
  return ratio(
    seen.reduce((sum, score) => sum + score.f1, 0),
    seen.length,
  );
}

/** Mean of -log p(gold), in nats. */
export function negativeLogLikelihood(goldLogProbs: Float64Array): number {
  return -mean(goldLogProbs);
}

/** The most frequent mistakes, most frequent first; ties by class order. */
export function confusionPairs(
  predictedIds: Int32Array,
  goldIds: Int32Array,
  limit: number,
): ConfusionPair[] {
  requireEqualLengths(predictedIds, goldIds);
  const pairs = new Map<string, ConfusionPair>();
  goldIds.forEach((goldId, row) => {
    const predictedId = at(predictedIds, row);
    if (predictedId === goldId) return;
    const key = `${goldId}>${predictedId}`;
    pairs.set(key, { goldId, predictedId, count: (pairs.get(key)?.count ?? 0) + 1 });
  });
  const order = (a: ConfusionPair, b: ConfusionPair) =>
    b.count - a.count || a.goldId - b.goldId || a.predictedId - b.predictedId;
  return [...pairs.values()].sort(order).slice(0, limit);
}

/** Value below which the share `q` of the ascending values lies, linear between neighbours. */
export function quantile(ascending: ArrayLike<number>, q: number): number {
  const position = q * (ascending.length - 1);
  const low = Math.floor(position);
  const high = Math.min(ascending.length - 1, low + 1);
  return at(ascending, low) + (position - low) * (at(ascending, high) - at(ascending, low));
}

function countsOf(ids: Int32Array, classCount: number): Float64Array {
  const counts = new Float64Array(classCount);
  for (const id of ids) counts[id] = at(counts, id) + 1;
  return counts;
}

function mean(values: Uint8Array | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return ratio(sum, values.length);
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index} of ${values.length}`);
  return value;
}

function requireEqualLengths(a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) throw new RangeError(`${a.length} rows beside ${b.length}`);
}

const CALIBRATION_BINS = 15;
