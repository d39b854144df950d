import { AnswerError } from '#datasets/answers/answer-cells.ts';
import { type Answer, namesIn, type Saying } from '#datasets/answers/answers.ts';
import {
  logitsOfBest,
  logitsOfLabelProbabilities,
  logitsOfLabelVotes,
  logitsOfProbabilities,
  logitsOfVotes,
  type NamedValues,
} from '#stages/numerics/answer-logits.ts';

/** What was said of a row, as class ids and numbers: all that is kept until the row is written. */
export interface AnswerValues {
  readonly type: Saying['type'];
  readonly named: NamedValues;
  /** How often it was said; 1 where it has no votes. */
  readonly votes: number;
}

/** Throws `AnswerError` where it has not a number for each class that should have one. */
export function answerValues(answer: Answer, ids: ReadonlyMap<string, number>): AnswerValues {
  const { saying } = answer;
  const { type } = saying;
  switch (type) {
    case 'label':
    case 'votes':
      return { type, named: byId(countsOf(namesIn(saying)), ids), votes: namesIn(saying).length };
    case 'label-sets':
      return { type, named: byId(countsOf(namesIn(saying)), ids), votes: saying.votes.length };
    case 'probabilities':
    case 'label-probabilities':
      return { type, named: probabilitiesById(answer, saying.values, ids), votes: 1 };
    case 'log-probs':
      return { type, named: byId(saying.values, ids), votes: 1 };
    case 'numbers':
      return { type, named: inOrder(means(saying.votes), answer, ids.size), votes: 1 };
    default:
      return saying satisfies never;
  }
}

/**
 * As a model would have said it, [classCount]: log-probabilities where one class is right, logits of yes where
 * each is a yes or a no, and numbers as they are. `smoothing` is the share of a label that is spread.
 */
export function logitsOfAnswer(
  { type, named, votes }: AnswerValues,
  classCount: number,
  smoothing: number,
): Float32Array {
  switch (type) {
    case 'label':
    case 'votes':
      return logitsOfVotes(named, classCount, smoothing);
    case 'label-sets':
      return logitsOfLabelVotes(named, votes, classCount, smoothing);
    case 'probabilities':
      return logitsOfProbabilities(named, classCount);
    case 'label-probabilities':
      return logitsOfLabelProbabilities(named, classCount);
    case 'log-probs':
      return logitsOfBest(named, classCount);
    case 'numbers':
      return Float32Array.from(named.values);
    default:
      return type satisfies never;
  }
}

function probabilitiesById(
  answer: Answer,
  values: ReadonlyMap<string, number> | readonly number[],
  ids: ReadonlyMap<string, number>,
): NamedValues {
  if (!(values instanceof Map)) return inOrder([...values.values()], answer, ids.size);
  const missing = [...ids.keys()].filter((name) => !values.has(name));
  // Where one class is right, what is not named is what the others leave of 1.
  if (answer.saying.type === 'label-probabilities' && missing.length > 0) {
    const others = missing.length === 1 ? '' : ` and ${missing.length - 1} others`;
    const problem = `it has no probability of "${missing[0]}"${others}`;
    throw new AnswerError(
      answer,
      problem,
      'write one for every class: 0 for what is surely absent',
    );
  }
  return byId(values, ids);
}

function byId(values: ReadonlyMap<string, number>, ids: ReadonlyMap<string, number>): NamedValues {
  return {
    ids: Int32Array.from(values.keys(), (name) => ids.get(name) ?? -1),
    values: Float64Array.from(values.values()),
  };
}

/** Numbers that stand in the order of the classes or outputs. */
function inOrder(values: readonly number[], answer: Answer, classCount: number): NamedValues {
  if (values.length === classCount) {
    return { ids: Int32Array.from(values.keys()), values: Float64Array.from(values) };
  }
  if (answer.saying.type === 'numbers') {
    const outputs = classCount === 1 ? 'output' : 'outputs';
    throw new AnswerError(
      answer,
      `${values.length} numbers for ${classCount} ${outputs}`,
      'write one number an output, in their order; where the corpus has no labels, corpus.classNames names the outputs',
    );
  }
  throw new AnswerError(
    answer,
    `a list of ${values.length} probabilities for ${classCount} classes`,
    'write one number a class, in the order of the classes',
  );
}

/** Output by output over the votes. */
function means(votes: readonly (readonly number[])[]): number[] {
  const [first = []] = votes;
  return first.map((_, output) => {
    const sum = votes.reduce((total, vote) => total + (vote[output] ?? Number.NaN), 0);
    return sum / votes.length;
  });
}

function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
