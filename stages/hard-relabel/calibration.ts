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

/** Isotonic regression of correctness on confidence over the labelled validation rows. */
export function calibrationOf(
  who: 'teacher' | 'student',
  guesses: ReadonlyMap<string, Guess>,
  gold: ReadonlyMap<string, number>,
): Calibration {
  const labelled = [...guesses].filter(([exampleId]) => gold.has(exampleId));
  if (labelled.length === 0) throw new NoCalibrationRowsError(who);
  const fit = fitIsotonic(
    labelled.map(([, guess]) => guess.confidence),
    labelled.map(([exampleId, guess]) => (gold.get(exampleId) === guess.classId ? 1 : 0)),
  );
  return {
    rows: labelled.length,
    fit,
    accuracyAt: (confidence) => isotonicAt(fit, confidence),
  };
}
