import { Failure } from '#cache/failure.ts';
import { fitIsotonic, type IsotonicFit, isotonicAt } from '#stages/numerics/isotonic-regression.ts';
import type { Guess } from './guesses.ts';

/** Turns a stated confidence into the accuracy that stood behind such claims on validation rows. */
export interface Calibration {
  readonly rows: number;
  readonly fit: IsotonicFit;
  accuracyAt(confidence: number): number;
}

/** Without labelled validation rows nobody can say what a confidence is worth. */
export class NoCalibrationRowsError extends Failure {
  constructor(who: string) {
    super(
      'data',
      'E_RELABEL_CALIBRATION',
      `hard-relabel: no labelled validation row to calibrate the confidence of the ${who} on`,
      'give some validation rows a label, or remove the variants that use hard-relabel',
    );
  }
}

/** How sure a model was of its class on a labelled row, and whether it was right. */
export interface Claim {
  readonly confidence: number;
  readonly isRight: boolean;
}

/** What a model claimed about the rows that have a label. */
export function claimsOf(
  guesses: ReadonlyMap<string, Guess>,
  gold: ReadonlyMap<string, number>,
): Claim[] {
  return [...guesses].flatMap(([exampleId, { classId, confidence }]) =>
    gold.has(exampleId) ? [{ confidence, isRight: gold.get(exampleId) === classId }] : [],
  );
}

/** Isotonic regression of correctness on confidence over labelled validation rows. */
export function calibrationOf(who: 'teacher' | 'student', claims: readonly Claim[]): Calibration {
  if (claims.length === 0) throw new NoCalibrationRowsError(who);
  const fit = fitIsotonic(
    claims.map(({ confidence }) => confidence),
    claims.map(({ isRight }) => (isRight ? 1 : 0)),
  );
  return {
    rows: claims.length,
    fit,
    accuracyAt: (confidence) => isotonicAt(fit, confidence),
  };
}
