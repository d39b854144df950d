import type { TokenTable } from '#datasets/tokens.ts';
import { bestClasses } from './soft-targets.ts';

/** Validation rows with what a student is compared with; -1 where there is nothing. */
export interface ValidationSet {
  readonly tokens: TokenTable;
  readonly goldIds: Int32Array;
  readonly teacherIds: Int32Array;
}

/** How good a student is on the validation rows; null where no row could be compared. */
export interface Validation {
  readonly validationAccuracy: number | null;
  readonly agreement: number | null;
}

/** Joins gold labels and the teacher's classes to the validation rows. */
export function validationSet(
  tokens: TokenTable,
  goldIds: ReadonlyMap<string, number>,
  teacherIds: ReadonlyMap<string, number>,
): ValidationSet {
  const joined = (ids: ReadonlyMap<string, number>): Int32Array =>
    Int32Array.from(tokens.exampleIds, (exampleId) => ids.get(exampleId) ?? -1);
  return { tokens, goldIds: joined(goldIds), teacherIds: joined(teacherIds) };
}

/** Compares a student's logits with gold labels and teacher. */
export function validate(set: ValidationSet, logits: Float32Array, classCount: number): Validation {
  const predictedIds = bestClasses(logits, classCount);
  return {
    validationAccuracy: shareEqual(predictedIds, set.goldIds),
    agreement: shareEqual(predictedIds, set.teacherIds),
  };
}

/** A share that decides which weights to keep, and how far it may lie from the truth. */
export interface Score {
  readonly share: number;
  /** Of a share measured on so many rows. */
  readonly standardError: number;
}

/** Score by gold labels where there are any, else by the teacher; null where there is neither. */
export function scoreOf(set: ValidationSet, validation: Validation): Score | null {
  const { validationAccuracy, agreement } = validation;
  const share = validationAccuracy ?? agreement;
  if (share === null) return null;
  const expectedIds = validationAccuracy === null ? set.teacherIds : set.goldIds;
  const rows = expectedIds.filter((expected) => expected >= 0).length;
  return { share, standardError: Math.sqrt((share * (1 - share)) / rows) };
}

function shareEqual(predictedIds: Int32Array, expectedIds: Int32Array): number | null {
  let compared = 0;
  let equal = 0;
  for (const [row, expected] of expectedIds.entries()) {
    if (expected < 0) continue;
    compared += 1;
    if (predictedIds[row] === expected) equal += 1;
  }
  return compared === 0 ? null : equal / compared;
}
