import { Failure } from '#cache/failure.ts';
import type { RawRow } from '#datasets/corpus/corpus-row.ts';
import { openColumns } from '#datasets/corpus/open-corpus.ts';
import { exampleIdOf } from './example-id.ts';

/** What somebody who is no ONNX model says of one text. */
export type Saying =
  | { readonly type: 'label'; readonly label: string }
  /** One label a vote. */
  | { readonly type: 'votes'; readonly labels: readonly string[] }
  /** By name, or one number a class in class order; they add up to 1. */
  | { readonly type: 'probabilities'; readonly values: ByClass }
  /** Natural logs of the probabilities of the best classes; what is left of 1 belongs to the others. */
  | { readonly type: 'log-probs'; readonly values: ReadonlyMap<string, number> };

export type ByClass = ReadonlyMap<string, number> | readonly number[];

/** A row of a file of answers. */
export interface Answer {
  /** Name of the file without its folder, and the line, from 1. */
  readonly file: string;
  readonly line: number;
  /** Which example it is about: by its id (or text, which is the same), or by the corpus' own id. */
  readonly about: { readonly exampleId: string } | { readonly sourceId: string };
  readonly saying: Saying;
}

/** Names of the columns that tell which text is meant: those of the corpus. */
export interface AnswerColumns {
  /** null: rows have no text, and are known by their ids. */
  readonly text: string | null;
  readonly textPair?: string | undefined;
  readonly id: string;
}

/** A row of a file of answers that cannot be used. */
export class AnswerError extends Failure {
  constructor(place: Pick<Answer, 'file' | 'line'>, problem: string, fix: string) {
    super('data', 'E_ANSWER', `${place.file} line ${place.line}: ${problem}`, fix);
  }
}

/**
 * Reads files of answers (JSON Lines; CSV and TSV for labels). A row has one of `label`, `votes`,
 * `probabilities` and `log_probs`, and one of `example_id`, the text (with its second text) and the
 * corpus' own id; the first of these that is there counts. Other keys are for people.
 */
export async function* readAnswers(
  paths: readonly string[],
  columns: AnswerColumns,
): AsyncGenerator<Answer, void, void> {
  for (const path of paths) {
    for await (const found of openColumns(path)) {
      if ('type' in found) {
        if (found.type === 'reject')
          throw new AnswerError(found.reject, found.reject.reason, ROW_FIX);
        continue;
      }
      const { file, line } = found;
      yield { file, line, about: aboutOf(found, columns), saying: sayingOf(found) };
    }
  }
}

/** The names of classes that an answer has; none where its probabilities are a list. */
export function namesIn(saying: Saying): readonly string[] {
  switch (saying.type) {
    case 'label':
      return [saying.label];
    case 'votes':
      return saying.labels;
    case 'probabilities':
      return saying.values instanceof Map ? [...saying.values.keys()] : [];
    case 'log-probs':
      return [...saying.values.keys()];
    default:
      return saying satisfies never;
  }
}

function aboutOf(row: RawRow, columns: AnswerColumns): Answer['about'] {
  const exampleId = nameIn(row, 'example_id');
  if (exampleId !== undefined) return { exampleId };
  const text = columns.text === null ? undefined : nameIn(row, columns.text);
  const pair = columns.textPair === undefined ? undefined : nameIn(row, columns.textPair);
  if (text !== undefined) return { exampleId: exampleIdOf(text, pair ?? null) };
  const sourceId = nameIn(row, columns.id);
  if (sourceId !== undefined) return { sourceId };
  const keys = ['example_id', columns.text, columns.id]
    .flatMap((key) => (key === null ? [] : `"${key}"`))
    .join(', ');
  throw new AnswerError(
    row,
    `it does not say which text it is about (row has: ${Object.keys(row.values).join(', ')})`,
    `write one of ${keys} into every row; corpus.columns names the last two`,
  );
}

function sayingOf(row: RawRow): Saying {
  const given = ANSWER_KEYS.filter((key) => valueIn(row, key) !== undefined);
  const [key] = given;
  if (key === undefined || given.length > 1) {
    const problem = key === undefined ? 'it has no answer' : `it has ${given.join(' and ')}`;
    throw new AnswerError(row, problem, `write exactly one of ${ANSWER_KEYS.join(', ')}`);
  }
  switch (key) {
    case 'label':
      return { type: 'label', label: labelOf(row, key, valueIn(row, key)) };
    case 'votes':
      return { type: 'votes', labels: votesOf(row, valueIn(row, key)) };
    case 'probabilities':
      return { type: 'probabilities', values: probabilitiesOf(row, valueIn(row, key)) };
    case 'log_probs':
      return { type: 'log-probs', values: logProbsOf(row, valueIn(row, key)) };
    default:
      return key satisfies never;
  }
}

function votesOf(row: RawRow, value: unknown): string[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((vote) => labelOf(row, 'votes', vote));
  }
  throw new AnswerError(row, 'votes is no list of labels', 'write "votes": ["a", "b", "a"]');
}

function probabilitiesOf(row: RawRow, value: unknown): ByClass {
  const isList = Array.isArray(value);
  const values = isList ? value.map((one) => numberOf(row, 'probabilities', one)) : undefined;
  const byClass = values ?? numbersByName(row, 'probabilities', value);
  const numbers = [...byClass.values()];
  const wrong = numbers.find((p) => p < 0 || p > 1 + TOLERANCE);
  if (wrong !== undefined) {
    throw new AnswerError(row, `${wrong} is no probability`, 'write numbers from 0 to 1');
  }
  const sum = numbers.reduce((total, p) => total + p, 0);
  if (Math.abs(sum - 1) > TOLERANCE) {
    const fix = 'write probabilities of all classes, or the best ones as "log_probs"';
    throw new AnswerError(row, `its probabilities add up to ${shown(sum)}, not to 1`, fix);
  }
  return byClass;
}

function logProbsOf(row: RawRow, value: unknown): ReadonlyMap<string, number> {
  const byName = numbersByName(row, 'log_probs', value);
  const sum = [...byName.values()].reduce((total, log) => total + Math.exp(log), 0);
  if (sum <= 1 + TOLERANCE) return byName;
  const problem = `its log_probs are probabilities that add up to ${shown(sum)}, more than 1`;
  throw new AnswerError(row, problem, 'write natural logarithms of probabilities: at most 0 each');
}

function numbersByName(row: RawRow, key: string, value: unknown): ReadonlyMap<string, number> {
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

/** Classes may be numbers, as in the corpus. */
function labelOf(row: RawRow, key: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new AnswerError(row, `${key} holds ${JSON.stringify(value)}, no label`, ROW_FIX);
}

function nameIn(row: RawRow, key: string): string | undefined {
  const value = valueIn(row, key);
  if (value === undefined) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new AnswerError(row, `"${key}" is ${JSON.stringify(value)}, no text`, ROW_FIX);
}

/** Null and an empty cell count as not there; own properties only. */
function valueIn({ values }: RawRow, key: string): unknown {
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  return value === null || value === '' ? undefined : value;
}

function shown(sum: number): string {
  return String(Number(sum.toPrecision(4)));
}

const ANSWER_KEYS = ['label', 'votes', 'probabilities', 'log_probs'] as const;

/** Rounding to two places, as people and language models do, is forgiven. */
const TOLERANCE = 0.01;

const ROW_FIX =
  'write one JSON object a line, such as {"id": "7", "label": "a"} or {"text": "...", "probabilities": {"a": 0.9, "b": 0.1}}; NaN and Infinity are no JSON';
