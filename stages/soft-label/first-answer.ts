import { Failure } from '#cache/failure.ts';
import type { Keep } from './settings.ts';
import { isOneAnswer } from './value-columns.ts';

/** The teacher gives every class, or every row, the same number. */
export class SilentTeacherError extends Failure {
  constructor(rows: number, what: string) {
    super(
      'model',
      'E_TEACHER_SILENT',
      `the teacher gives ${what} in each of the ${rows} rows of the first batch`,
      'check that the exported file is the fine-tuned model: a head that was never trained or exported says nothing',
    );
  }
}

/** A head that was lost or never trained answers every row with one number, or all rows alike. */
export function refuseSilence(
  logits: Float32Array,
  { classCount, task }: Pick<Keep, 'classCount' | 'task'>,
  rows: number,
): void {
  const isEqual = (logit: number, place: number) => logit === logits[place - (place % classCount)];
  if (task !== undefined && isOneAnswer(logits, classCount, rows)) {
    throw new SilentTeacherError(rows, 'the same numbers');
  }
  if (task === undefined && logits.every(isEqual)) {
    throw new SilentTeacherError(logits.length / classCount, 'all classes the same logit');
  }
}

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
