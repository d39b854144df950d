import { AnswerError } from '#datasets/answers/answer-cells.ts';
import {
  type Answer,
  type AnswerColumns,
  namesIn,
  readAnswers,
  type Saying,
} from '#datasets/answers/answers.ts';
import type { ValueForm } from '#datasets/corpus/value-labels.ts';
import { IdIndex } from '#datasets/id-index.ts';
import { nearestName } from '#datasets/nearest-name.ts';
import { AnswersForOthersError } from './answer-errors.ts';
import { type AnswerValues, answerValues, logitsOfAnswer } from './answer-values.ts';
import { blocksOf, type TeacherCorpus } from './teacher-corpus.ts';

/** The answers of a teacher that is no model, by example. */
export interface AnswerBook {
  has(exampleId: string): boolean;
  /** Log-probabilities, [classCount]; of tasks without one class logits of yes, or numbers. Throws where there is no answer. */
  logitsOf(exampleId: string): Float32Array;
  /** How many answers of each kind there are for rows of the corpus. */
  readonly kinds: ReadonlyMap<Saying['type'], number>;
  /** Answers that name some classes only, so that the rest had to be spread over the others. */
  readonly partial: number;
  /** Answers for texts that the corpus does not have. */
  readonly unused: number;
}

export interface AnswerSettings {
  readonly classNames: readonly string[];
  readonly columns: AnswerColumns;
  /** Share of a label that is spread over all classes. */
  readonly smoothing: number;
  /** How labels are written that are no single class. */
  readonly form: ValueForm | undefined;
}

/** Reads all answers and joins them to the rows of the corpus; what cannot be joined is an error with its line. */
export async function openAnswerBook(
  paths: readonly string[],
  corpus: TeacherCorpus,
  { classNames, columns, smoothing, form }: AnswerSettings,
): Promise<AnswerBook> {
  const ids = new Map(classNames.map((name, id) => [name, id]));
  const examplesOf = await exampleFinder(corpus);
  const found = new Map<string, Entry>();
  const kinds = new Map<Saying['type'], number>();
  let [unused, partial, read] = [0, 0, 0];
  for await (const answer of readAnswers(paths, columns, form)) {
    read += 1;
    requireKnownClasses(answer, ids, classNames);
    const exampleId = examplesOf(answer);
    if (exampleId === undefined) {
      unused += 1;
      continue;
    }
    requireFirst(answer, found.get(exampleId), exampleId);
    const { saying, file, line } = answer;
    const values = answerValues(answer, ids);
    found.set(exampleId, { values, file, line });
    kinds.set(saying.type, (kinds.get(saying.type) ?? 0) + 1);
    if (saying.type === 'log-probs' && values.named.ids.length < classNames.length) partial += 1;
  }
  if (found.size === 0) throw new AnswersForOthersError(paths, read);
  return {
    has: (exampleId) => found.has(exampleId),
    logitsOf(exampleId) {
      const entry = found.get(exampleId);
      if (entry === undefined) throw new RangeError(`no answer for ${exampleId}`);
      return logitsOfAnswer(entry.values, classNames.length, smoothing);
    },
    kinds,
    partial,
    unused,
  };
}

/** An answer as it is kept until it is asked for. */
interface Entry {
  readonly values: AnswerValues;
  readonly file: string;
  readonly line: number;
}

/** Finds the example that an answer is about; an own id that several examples have is refused. */
async function exampleFinder(
  corpus: TeacherCorpus,
): Promise<(answer: Answer) => string | undefined> {
  const known = new IdIndex();
  const bySource = new Map<string, string[]>();
  for (const split of corpus.splits) {
    for await (const rows of blocksOf(split)) {
      for (const { exampleId, sourceId } of rows) {
        known.add(exampleId);
        if (sourceId === null) continue;
        const same = bySource.get(sourceId) ?? [];
        if (!same.includes(exampleId)) bySource.set(sourceId, [...same, exampleId]);
      }
    }
  }
  return (answer) => {
    const { about } = answer;
    if ('exampleId' in about) return known.has(about.exampleId) ? about.exampleId : undefined;
    const [only, ...others] = bySource.get(about.sourceId) ?? [];
    if (others.length === 0) return only;
    const problem = `${others.length + 1} texts of the corpus have the id "${about.sourceId}"`;
    throw new AnswerError(answer, problem, 'write the text or its example_id instead of the id');
  };
}

function requireFirst(answer: Answer, earlier: Entry | undefined, exampleId: string): void {
  if (earlier === undefined) return;
  const about = 'exampleId' in answer.about ? exampleId : `id "${answer.about.sourceId}"`;
  throw new AnswerError(
    answer,
    `a second answer for ${about}; the first is in ${earlier.file} line ${earlier.line}`,
    'keep one of them, or write both as "votes"',
  );
}

function requireKnownClasses(
  answer: Answer,
  ids: ReadonlyMap<string, number>,
  classNames: readonly string[],
): void {
  const unknown = namesIn(answer.saying).find((name) => !ids.has(name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, classNames);
  const hint = nearest === undefined ? '' : `; nearest class: "${nearest}"`;
  throw new AnswerError(
    answer,
    `"${unknown}" is none of the ${classNames.length} classes${hint}`,
    'correct the name, or add it to corpus.classNames',
  );
}
