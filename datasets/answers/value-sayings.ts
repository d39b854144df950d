import type { RawRow } from '#datasets/corpus/corpus-row.ts';
import { RejectedValue } from '#datasets/corpus/rejected-value.ts';
import { type ValueForm, valueLabelOf } from '#datasets/corpus/value-labels.ts';
import type { ValueTask } from '#datasets/task.ts';
import { AnswerError, type ByClass, probabilitiesIn } from './answer-cells.ts';

/** What is said of a row whose label is no single class. */
export type ValueSaying =
  /** The classes that a vote says yes to, all others are a no; a label is a single vote. */
  | { readonly type: 'label-sets'; readonly votes: readonly (readonly string[])[] }
  /** Of each class the probability that it is there. */
  | { readonly type: 'label-probabilities'; readonly values: ByClass }
  /** One number an output, a vote; a label is a single vote. */
  | { readonly type: 'numbers'; readonly votes: readonly (readonly number[])[] };

/** What the value of a key of a row says; throws `AnswerError` where it says nothing, or nothing of this task. */
export function valueSayingOf(
  row: RawRow,
  key: 'label' | 'votes' | 'probabilities' | 'log_probs',
  value: unknown,
  form: ValueForm,
): ValueSaying {
  switch (key) {
    case 'label':
      return sayingOfVotes(row, [value], form);
    case 'votes':
      return sayingOfVotes(row, votesOf(row, value, form), form);
    case 'probabilities':
      if (form.task === 'regression') throw strange(row, key, form);
      return { type: 'label-probabilities', values: probabilitiesIn(row, value) };
    case 'log_probs':
      throw strange(row, key, form);
    default:
      return key satisfies never;
  }
}

function votesOf(row: RawRow, value: unknown, { task }: ValueForm): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new AnswerError(row, 'votes is no list', `write ${VOTES[task]}`);
}

function sayingOfVotes(row: RawRow, votes: readonly unknown[], form: ValueForm): ValueSaying {
  const parts = votes.map((vote) => partsOf(row, vote, form));
  if (form.task === 'multi-label') return { type: 'label-sets', votes: parts.map(texts) };
  const numbers = parts.map((vote) => vote.map(Number));
  const width = numbers[0]?.length ?? 0;
  const odd = numbers.find((vote) => vote.length !== width);
  if (width > 0 && odd === undefined) return { type: 'numbers', votes: numbers };
  const problem =
    odd === undefined ? 'it has no number' : `votes of ${width} and ${odd.length} numbers`;
  throw new AnswerError(row, problem, 'give every answer one number an output, in their order');
}

/** The parts of a label as the corpus has them: names of classes, or numbers. */
function partsOf(row: RawRow, value: unknown, { task, separator }: ValueForm): unknown[] {
  try {
    const label = valueLabelOf(value, { task, columns: 'label', separator });
    const parts: unknown = label === null ? undefined : JSON.parse(label);
    if (Array.isArray(parts)) return parts;
  } catch (error) {
    if (!(error instanceof RejectedValue)) throw error;
    throw new AnswerError(row, `${error.excerpt}: ${error.reason}`, `write ${LABELS[task]}`);
  }
  throw new AnswerError(row, 'one of its votes is empty', `write ${VOTES[task]}`);
}

function texts(parts: readonly unknown[]): string[] {
  return parts.map(String);
}

function strange(row: RawRow, key: string, { task }: ValueForm): AnswerError {
  const problem = `${key} are of classes of which one is right, and the task is ${task}`;
  const probabilities = task === 'multi-label' ? ', or "probabilities" of each class' : '';
  return new AnswerError(row, problem, `write ${LABELS[task]}${probabilities}, or ${VOTES[task]}`);
}

const LABELS: Readonly<Record<ValueTask, string>> = {
  'multi-label': '"label": ["a", "b"]',
  regression: '"label": 3.5, or a list of one number an output',
};

const VOTES: Readonly<Record<ValueTask, string>> = {
  'multi-label': '"votes": [["a", "b"], ["a"], []]',
  regression: '"votes": [3, 4], each a number or a list of one number an output',
};
