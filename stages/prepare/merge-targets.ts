import type { SourceRow } from './read-corpus.ts';

/** Gold values of equal rows together. */
export interface MergedTargets {
  /** Mean of the labelled rows; null where none has a label. */
  readonly targets: Float32Array | null;
  /** Rows carry different labels. */
  readonly conflict: boolean;
}

/**
 * Equal rows give the mean of their values: of a number that of the measurements, of a class the share of
 * rows that name it. Where a person corrected some rows, the others have no say.
 */
export function mergeTargets(
  rows: readonly SourceRow[],
  targetsOf: (label: string) => Float32Array,
): MergedTargets {
  const corrected = rows.filter(({ isCorrected }) => isCorrected === true);
  const labels = (corrected.length > 0 ? corrected : rows).flatMap(({ label }) => label ?? []);
  const vectors = labels.map(targetsOf);
  const [first] = vectors;
  if (first === undefined) return { targets: null, conflict: false };
  const targets = first.map(
    (_, place) =>
      vectors.reduce((sum, vector) => sum + (vector[place] ?? Number.NaN), 0) / vectors.length,
  );
  return { targets, conflict: new Set(labels).size > 1 };
}
