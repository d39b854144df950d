/** How right the surest rows are, when the others are left to people. */
export interface CoveragePoint {
  /** Share of the rows that are answered. */
  readonly coverage: number;
  /** Confidence of the least sure of them. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** Accuracy of the surest rows at each share of all; of equal confidence the earlier rows. */
export function accuracyAtCoverage(
  confidences: ArrayLike<number>,
  correct: ArrayLike<number>,
  coverages: readonly number[],
): CoveragePoint[] {
  const order = surestFirst(confidences);
  const right = runningSum(order, correct);
  return coverages.map((coverage) => {
    const rows = Math.max(1, Math.round(coverage * order.length));
    const accuracy = (right[rows - 1] ?? 0) / rows;
    return { coverage, confidence: confidences[order[rows - 1] ?? -1] ?? 0, accuracy };
  });
}

/**
 * Area under the curve of risk over coverage (Geifman and El-Yaniv 2017): the share of mistakes among the n
 * surest rows, meaned over n. 0 is perfect; a confidence that says nothing gives the plain error.
 */
export function areaUnderRisk(confidences: ArrayLike<number>, correct: ArrayLike<number>): number {
  const right = runningSum(surestFirst(confidences), correct);
  return right.reduce((sum, hits, at) => sum + 1 - hits / (at + 1), 0) / Math.max(1, right.length);
}

function surestFirst(confidences: ArrayLike<number>): number[] {
  return Array.from({ length: confidences.length }, (_, row) => row).sort(
    (a, b) => (confidences[b] ?? 0) - (confidences[a] ?? 0) || a - b,
  );
}

function runningSum(order: readonly number[], values: ArrayLike<number>): Float64Array {
  let sum = 0;
  return Float64Array.from(order, (row) => (sum += values[row] ?? 0));
}
