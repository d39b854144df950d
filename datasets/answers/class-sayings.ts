import type { RawRow } from '#datasets/corpus/corpus-row.ts';
import {
  AnswerError,
  type ByClass,
  labelOf,
  numbersByName,
  probabilitiesIn,
  TOLERANCE,
} from './answer-cells.ts';

/** What is said of a row that has one class. */
export type ClassSaying =
  | { readonly type: 'label'; readonly label: string }
  /** One label a vote. */
  | { readonly type: 'votes'; readonly labels: readonly string[] }
  /** They add up to 1. */
  | { readonly type: 'probabilities'; readonly values: ByClass }
  /** Natural logs of the probabilities of the best classes; what is left of 1 belongs to the others. */
  | { readonly type: 'log-probs'; readonly values: ReadonlyMap<string, number> };

/** What the value of a key of a row says; throws `AnswerError` where it says nothing. */
export function classSayingOf(
  row: RawRow,
  key: 'label' | 'votes' | 'probabilities' | 'log_probs',
  value: unknown,
): ClassSaying {
  switch (key) {
    case 'label':
      return { type: 'label', label: labelOf(row, key, value) };
    case 'votes':
      return { type: 'votes', labels: votesOf(row, value) };
    case 'probabilities':
      return { type: 'probabilities', values: probabilitiesOf(row, value) };
    case 'log_probs':
      return { type: 'log-probs', values: logProbsOf(row, value) };
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
  const byClass = probabilitiesIn(row, value);
  const sum = [...byClass.values()].reduce((total, p) => total + p, 0);
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

function shown(sum: number): string {
  return String(Number(sum.toPrecision(4)));
}
