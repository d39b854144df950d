import { highestPlaces } from '#datasets/soft-labels/top-classes.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import type { ValidationLine } from './training-log.ts';

/** Validation rows with what a student is compared with; -1 where there is nothing. */
export interface ValidationSet {
  readonly tokens: StoredTokens;
  readonly goldIds: Int32Array;
  readonly teacherIds: Int32Array;
  /** Where classes name entities: how well these predictions find the gold ones, and how many there are. */
  readonly entityF1?: (predictedIds: Int32Array) => {
    readonly f1: number;
    readonly entities: number;
  };
}

/** How good a student is on the validation rows; null where no row could be compared. */
export type Validation = Omit<ValidationLine, 'step'>;

/** The same for people, as the line of a step tells it. */
export function validationWords(validation: Validation | null): string[] {
  if (validation === null) return [];
  const { validationAccuracy, validationError, agreement, entityF1, validationNll } = validation;
  if (validationNll !== undefined) {
    return [`validation perplexity ${Math.exp(validationNll).toPrecision(4)}`];
  }
  if (entityF1 !== undefined) return [`validation F1 ${percent(entityF1)}`];
  if (validationError) return [`validation error ${validationError.toPrecision(3)}`];
  return [
    ...(validationAccuracy === null ? [] : [`validation ${percent(validationAccuracy)}`]),
    ...(agreement === null ? [] : [`agreement ${percent(agreement)}`]),
  ];
}

/** Joins gold labels and the teacher's classes to the validation rows. */
export function validationSet(
  tokens: StoredTokens,
  goldIds: ReadonlyMap<string, number>,
  teacherIds: ReadonlyMap<string, number>,
): ValidationSet {
  const joined = (ids: ReadonlyMap<string, number>): Int32Array =>
    Int32Array.from(tokens.exampleIds, (exampleId) => ids.get(exampleId) ?? -1);
  return { tokens, goldIds: joined(goldIds), teacherIds: joined(teacherIds) };
}

/** Compares a student's logits with gold labels and teacher. */
export function validate(set: ValidationSet, logits: Float32Array, classCount: number): Validation {
  const predictedIds = highestPlaces(logits, classCount);
  return {
    validationAccuracy: shareEqual(predictedIds, set.goldIds),
    agreement: shareEqual(predictedIds, set.teacherIds),
    ...(set.entityF1 && { entityF1: set.entityF1(predictedIds).f1 }),
  };
}

/** What decides which weights to keep, and how far it may lie from the truth. */
export interface Score {
  /** The higher the better: a share, or an error below 0. */
  readonly share: number;
  /** Of a share measured on so many rows. */
  readonly standardError: number;
}

/** Score by entities where classes name them, else by gold labels where there are any, else by the teacher; null where there is neither. */
export function scoreOf(set: ValidationSet, validation: Validation): Score | null {
  const { validationAccuracy, agreement, entityF1 } = validation;
  if (entityF1 !== undefined && set.entityF1 !== undefined) {
    const { entities } = set.entityF1(set.goldIds);
    return { share: entityF1, standardError: standardErrorOf(entityF1, Math.max(1, entities)) };
  }
  const share = validationAccuracy ?? agreement;
  if (share === null) return null;
  const expectedIds = validationAccuracy === null ? set.teacherIds : set.goldIds;
  const rows = expectedIds.filter((expected) => expected >= 0).length;
  return { share, standardError: standardErrorOf(share, rows) };
}

function standardErrorOf(share: number, count: number): number {
  return Math.sqrt((share * (1 - share)) / count);
}

/**
 * Says when the teacher hardly beats naming the most frequent class each time: its head was never trained, or
 * its classes are in another order. Null where it is better than that, or where nothing can be said.
 */
export function doubtAboutTeacher(set: ValidationSet): string | null {
  const { goldIds, teacherIds } = set;
  const compared = [...goldIds.keys()].filter(
    (row) => (goldIds[row] ?? -1) >= 0 && (teacherIds[row] ?? -1) >= 0,
  );
  if (compared.length === 0) return null;
  if (set.entityF1 !== undefined) return doubtAboutEntities(set.entityF1(teacherIds));
  const counts = new Map<number, number>();
  for (const row of compared) {
    const goldId = goldIds[row] ?? -1;
    counts.set(goldId, (counts.get(goldId) ?? 0) + 1);
  }
  const right = compared.filter((row) => goldIds[row] === teacherIds[row]).length / compared.length;
  const majority = Math.max(...counts.values()) / compared.length;
  if (right >= majority + LEAST_GAIN) return null;
  return `the teacher is right on ${percent(right)} of the labelled validation rows, naming the most frequent class each time on ${percent(majority)}: was its head trained, and do its classes mean yours?`;
}

/** Most words are no entity: who names none is right on nearly all of them. */
function doubtAboutEntities({ f1 }: { readonly f1: number }): string | null {
  if (f1 >= LEAST_GAIN) return null;
  return `the teacher finds the entities of the labelled validation rows with an F1 of ${(100 * f1).toFixed(1)} %: was its head trained, and do its classes mean yours?`;
}

/** Share by which a teacher must beat the most frequent class. */
const LEAST_GAIN = 0.05;

/** Share of the rows with something expected on which it is met; null where there is none. */
export function shareEqual(predictedIds: Int32Array, expectedIds: Int32Array): number | null {
  let compared = 0;
  let equal = 0;
  for (const [row, expected] of expectedIds.entries()) {
    if (expected < 0) continue;
    compared += 1;
    if (predictedIds[row] === expected) equal += 1;
  }
  return compared === 0 ? null : equal / compared;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
