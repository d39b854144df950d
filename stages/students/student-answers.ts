import { sigmoid } from '#stages/numerics/binary.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { abstains, type OperatingPoint, thresholdOf } from './operating-point.ts';
import type { StudentTask } from './student-folder.ts';

/** What a student says of one text. */
export interface Prediction {
  readonly label: string;
  /** Probability of `label`, 0..1; of regression the number itself. */
  readonly confidence: number;
  /** Less sure of `label` (of several labels: of its answer) than the operating point of the export asks; false where it has none. */
  readonly abstained: boolean;
  /** The most likely classes with their probabilities, best first; of multi-label at least all that are said (from 0.5 or their threshold on), of regression all outputs. */
  readonly top: readonly { readonly label: string; readonly probability: number }[];
}

/** What a tagger says of one word; null where the word has no token that it sees. */
export interface WordPrediction {
  readonly word: string;
  readonly label: string | null;
  /** Probability of `label`, 0..1. */
  readonly confidence: number | null;
}

/** How logits are read. */
export interface AnswerRules {
  readonly classNames: readonly string[];
  readonly task: StudentTask;
  readonly operatingPoint: OperatingPoint | undefined;
}

/** The answer to one text from its logits [classes]; `count` classes are listed. */
export function answerOf(logits: Float32Array, rules: AnswerRules, count: number): Prediction {
  const { classNames, task } = rules;
  if (task === 'regression') {
    return listed(classNames.map((label, id) => ({ label, probability: logits[id] ?? NaN })));
  }
  return task === 'multi-label'
    ? severalLabels(logits, rules, count)
    : bestClasses(logits, rules, count);
}

/** What a student of several labels says in this answer, the most likely first. */
export function saidLabels(
  { top }: Pick<Prediction, 'top'>,
  point: OperatingPoint | undefined,
): Prediction['top'] {
  const leastOf = (label: string) => (point === undefined ? EVEN : thresholdOf(label, point));
  return top.filter(({ label, probability }) => probability >= leastOf(label));
}

/** How sure a student of several labels is of all its decisions together, as if they did not depend on each other. */
export function sureness(probabilities: readonly number[]): number {
  return probabilities.reduce(
    (all, probability) => all * Math.max(probability, 1 - probability),
    1,
  );
}

function severalLabels(
  logits: Float32Array,
  { classNames, operatingPoint }: AnswerRules,
  count: number,
): Prediction {
  const temperature = operatingPoint?.temperature ?? 1;
  const all = classNames
    .map((label, id) => ({ label, probability: sigmoid((logits[id] ?? NaN) / temperature) }))
    .sort((a, b) => b.probability - a.probability);
  const said = saidLabels({ top: all }, operatingPoint);
  const top = all.filter((one, rank) => rank < count || said.includes(one));
  return { ...listed(top), abstained: withholds(all, said, operatingPoint) };
}

/** Is it less sure of its answer than it must be, or does it keep all that is likely to itself? */
function withholds(
  all: Prediction['top'],
  said: Prediction['top'],
  point: OperatingPoint | undefined,
): boolean {
  if (point === undefined) return false;
  const { leastSure } = point;
  if (leastSure !== undefined) {
    return sureness(all.map(({ probability }) => probability)) < leastSure;
  }
  return said.length === 0 && (all[0]?.probability ?? 0) >= EVEN;
}

/** From here on a label is likelier than not. */
const EVEN = 0.5;

/** Answers to the words of a sentence; `logits` [answers, classes] are those of `wordNumbers`. */
export function wordAnswers(
  words: readonly string[],
  wordNumbers: readonly number[],
  logits: Float32Array,
  rules: AnswerRules,
): WordPrediction[] {
  const width = rules.classNames.length;
  const answerOfWord = new Map(wordNumbers.map((word, answer) => [word, answer]));
  return words.map((word, number) => {
    const answer = answerOfWord.get(number);
    if (answer === undefined) return { word, label: null, confidence: null };
    const own = logits.subarray(answer * width, (answer + 1) * width);
    const { label, confidence } = bestClasses(own, rules, 1);
    return { word, label, confidence };
  });
}

function bestClasses(
  logits: Float32Array,
  { classNames, operatingPoint }: AnswerRules,
  count: number,
): Prediction {
  const temperature = operatingPoint?.temperature ?? 1;
  const answer =
    count <= 1
      ? listed([bestClass(logits, temperature, classNames)])
      : listed(rankedClasses(logits, temperature, classNames).slice(0, count));
  return { ...answer, abstained: abstains(answer, operatingPoint) };
}

function rankedClasses(
  logits: Float32Array,
  temperature: number,
  classNames: readonly string[],
): Prediction['top'] {
  const { ids, logProbs } = topK(logits, classNames.length, temperature);
  return Array.from(ids, (id, rank) => ({
    label: classNames[id] ?? '',
    probability: Math.exp(logProbs[rank] ?? Number.NEGATIVE_INFINITY),
  }));
}

/** Without sorting: asked for one class, a student of many is read in a pass. */
function bestClass(
  logits: Float32Array,
  temperature: number,
  classNames: readonly string[],
): Prediction['top'][number] {
  let best = 0;
  for (let id = 1; id < logits.length; id++) {
    if ((logits[id] ?? NaN) > (logits[best] ?? NaN)) best = id;
  }
  const highest = logits[best] ?? NaN;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) {
    sum += Math.exp(((logits[id] ?? NaN) - highest) / temperature);
  }
  return { label: classNames[best] ?? '', probability: 1 / sum };
}

function listed(top: Prediction['top']): Prediction {
  const [best] = top;
  return { label: best?.label ?? '', confidence: best?.probability ?? 0, abstained: false, top };
}
