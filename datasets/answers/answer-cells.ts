import { Failure } from '#cache/failure.ts';
import type { RawRow } from '#datasets/corpus/corpus-row.ts';

/** Where an answer stands. */
export interface AnswerPlace {
  /** Name of the file without its folder. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** A row of a file of answers that cannot be used. */
export class AnswerError extends Failure {
  constructor({ file, line }: AnswerPlace, problem: string, fix: string) {
    super('data', 'E_ANSWER', `${file} line ${line}: ${problem}`, fix);
  }
}

/** By name, or one number a class in class order. */
export type ByClass = ReadonlyMap<string, number> | readonly number[];

/** The value of a key; null and an empty cell count as not there, and own properties only count. */
export function valueIn({ values }: RawRow, key: string): unknown {
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  return value === null || value === '' ? undefined : value;
}

/** A name or an id, which may be written as a number. */
export function nameIn(row: RawRow, key: string): string | undefined {
  const value = valueIn(row, key);
  if (value === undefined) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new AnswerError(row, `"${key}" is ${JSON.stringify(value)}, no text`, ROW_FIX);
}

/** A class; as in the corpus it may be a number. */
export function labelOf(row: RawRow, key: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new AnswerError(row, `${key} holds ${JSON.stringify(value)}, no label`, ROW_FIX);
}

/** The probabilities of a row, each from 0 to 1. */
export function probabilitiesIn(row: RawRow, value: unknown): ByClass {
  const values = Array.isArray(value)
    ? value.map((one) => numberOf(row, 'probabilities', one))
    : undefined;
  const byClass = values ?? numbersByName(row, 'probabilities', value);
  const wrong = [...byClass.values()].find((p) => p < 0 || p > 1 + TOLERANCE);
  if (wrong === undefined) return byClass;
  throw new AnswerError(row, `${wrong} is no probability`, 'write numbers from 0 to 1');
}

/** An object of class names and finite numbers. */
export function numbersByName(
  row: RawRow,
  key: string,
  value: unknown,
): ReadonlyMap<string, number> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isObject ? Object.entries(value) : [];
  if (entries.length > 0) {
    return new Map(entries.map(([name, one]) => [name, numberOf(row, `${key} of "${name}"`, one)]));
  }
  throw new AnswerError(row, `${key} is no object of class names and numbers`, ROW_FIX);
}

function numberOf(row: RawRow, what: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const problem = `${what} is ${JSON.stringify(value)}, no finite number`;
  throw new AnswerError(row, problem, 'leave out what has no number, or the whole row');
}

/** Rounding to two places, as people and language models do, is forgiven. */
export const TOLERANCE = 0.01;

/** The way out where a row is not what it should be. */
export const ROW_FIX =
  'write one JSON object a line, such as {"id": "7", "label": "a"} or {"text": "...", "probabilities": {"a": 0.9, "b": 0.1}}; NaN and Infinity are no JSON';
