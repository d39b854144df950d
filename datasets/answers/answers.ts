import type { RawRow } from '#datasets/corpus/corpus-row.ts';
import { openColumns } from '#datasets/corpus/open-corpus.ts';
import type { ValueForm } from '#datasets/corpus/value-labels.ts';
import { exampleIdOf } from '#datasets/example-id.ts';
import { AnswerError, type AnswerPlace, nameIn, ROW_FIX, valueIn } from './answer-cells.ts';
import { type ClassSaying, classSayingOf } from './class-sayings.ts';
import { type ValueSaying, valueSayingOf } from './value-sayings.ts';

/** What somebody who is no ONNX model says of one text. */
export type Saying = ClassSaying | ValueSaying;

/** A row of a file of answers. */
export interface Answer extends AnswerPlace {
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

/**
 * Reads files of answers (JSON Lines; CSV and TSV for labels). A row has one of `label`, `votes`,
 * `probabilities` and `log_probs`, and one of `example_id`, the text (with its second text) and the
 * corpus' own id; the first of these that is there counts. Other keys are for people. `form` says how labels
 * are written that are no single class; left out where one class of a row is right.
 */
export async function* readAnswers(
  paths: readonly string[],
  columns: AnswerColumns,
  form?: ValueForm,
): AsyncGenerator<Answer, void, void> {
  for (const path of paths) {
    for await (const found of openColumns(path)) {
      if ('type' in found) {
        if (found.type === 'reject')
          throw new AnswerError(found.reject, found.reject.reason, ROW_FIX);
        continue;
      }
      const { file, line } = found;
      yield { file, line, about: aboutOf(found, columns), saying: sayingOf(found, form) };
    }
  }
}

/** The names of classes that an answer has; none where it has numbers in the order of the classes. */
export function namesIn(saying: Saying): readonly string[] {
  switch (saying.type) {
    case 'label':
      return [saying.label];
    case 'votes':
      return saying.labels;
    case 'label-sets':
      return saying.votes.flat();
    case 'probabilities':
    case 'label-probabilities':
      return saying.values instanceof Map ? [...saying.values.keys()] : [];
    case 'log-probs':
      return [...saying.values.keys()];
    case 'numbers':
      return [];
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

function sayingOf(row: RawRow, form: ValueForm | undefined): Saying {
  const given = ANSWER_KEYS.filter((key) => valueIn(row, key) !== undefined);
  const [key] = given;
  if (key === undefined || given.length > 1) {
    const problem = key === undefined ? 'it has no answer' : `it has ${given.join(' and ')}`;
    throw new AnswerError(row, problem, `write exactly one of ${ANSWER_KEYS.join(', ')}`);
  }
  const value = valueIn(row, key);
  return form === undefined ? classSayingOf(row, key, value) : valueSayingOf(row, key, value, form);
}

const ANSWER_KEYS = ['label', 'votes', 'probabilities', 'log_probs'] as const;
