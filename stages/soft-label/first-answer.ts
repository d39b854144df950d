import { Failure } from '#cache/failure.ts';
import type { Keep } from './settings.ts';

/** The teacher gives every class, or every row, the same number. */
export class SilentTeacherError extends Failure {
  constructor(rows: number, what: string) {
    super(
      'model',
      'E_TEACHER_SILENT',
      `the teacher gives ${what} in each of the first ${rows} rows`,
      'check that the exported file is the fine-tuned model: a head that was never trained or exported says nothing',
    );
  }
}

/** Hears the first rows of a teacher until it is known whether it says anything. */
export interface Hearing {
  /** More rows are needed. */
  readonly isOpen: boolean;
  /** Takes the logits of so many more rows; throws where a teacher turns out to be silent. */
  hear(logits: Float32Array, rows: number): void;
}

/**
 * A head that was lost or never trained answers every row with one number, which a single row shows, or all rows
 * alike: a few rows may well be, and the first batches, of the longest rows, may have one row each.
 */
export function openHearing({ classCount, task }: Pick<Keep, 'classCount' | 'task'>): Hearing {
  let isOpen = true;
  let heard = 0;
  let first: Float32Array | undefined;
  return {
    get isOpen() {
      return isOpen;
    },
    hear(logits, rows) {
      if (!isOpen) return;
      if (task === undefined) {
        isOpen = false;
        const isEqual = (logit: number, place: number) =>
          Number.isFinite(logit) && logit === logits[place - (place % classCount)];
        if (logits.every(isEqual)) throw new SilentTeacherError(rows, 'all classes the same logit');
        return;
      }
      const asked = logits.subarray(0, rows * classCount);
      first ??= asked.slice(0, classCount);
      heard += rows;
      isOpen = asked.every((logit, place) => logit === first?.[place % classCount]);
      if (isOpen && heard >= ROWS_TO_JUDGE_BY)
        throw new SilentTeacherError(heard, 'the same numbers');
    },
  };
}

const ROWS_TO_JUDGE_BY = 8;

/** All rows inside [0, 1] and, where one class is right, adding up to 1: no logits. */
export function areProbabilities(
  values: Float32Array,
  { classCount, task }: Pick<Keep, 'classCount' | 'task'>,
): boolean {
  if (task === 'regression' || !values.every((value) => value >= 0 && value <= 1)) return false;
  if (task === 'multi-label') return true;
  for (let start = 0; start < values.length; start += classCount) {
    const sum = values
      .subarray(start, start + classCount)
      .reduce((total, value) => total + value, 0);
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}
