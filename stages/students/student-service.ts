import { Failure } from '#cache/failure.ts';
import { microBatches } from './micro-batches.ts';
import type { OpenStudent } from './open-student.ts';
import type { StudentPrecision } from './precision.ts';
import type { StudentTask } from './student-folder.ts';
import { type StudentText, tokenizerInputs } from './student-text.ts';
import { openStudentThreads } from './student-threads.ts';

export type { StudentText } from './student-text.ts';

/** What a student says of one text. */
export interface Classification<Label extends string = string> {
  readonly label: Label;
  /** Probability of `label`, 0..1. */
  readonly confidence: number;
  /** The student is less sure than its operating point asks: treat the label as a guess. */
  readonly abstained: boolean;
}

/** What a student of several labels says of one text. */
export interface LabelSet<Label extends string = string> {
  /** The most likely first; none where none applies. */
  readonly labels: readonly AppliedLabel<Label>[];
  /** The student is less sure than its operating point asks: treat the labels as a guess. */
  readonly abstained: boolean;
}

/** A label that applies to a text, of a student of several labels. */
export interface AppliedLabel<Label extends string = string> {
  readonly label: Label;
  readonly confidence: number;
}

/** What a student says of one word; null where the word has no token that it sees. */
export interface TaggedWord<Label extends string = string> {
  readonly word: string;
  readonly label: Label | null;
  readonly confidence: number | null;
}

export interface LoadOptions {
  /** Threads that answer, each on one core and with the model in memory. Default: 1. */
  readonly threads?: number | undefined;
  /** The ONNX file that answers. Default: float32; int8 where the export has it. */
  readonly precision?: StudentPrecision | undefined;
  /** Of a student with several tasks: the head that answers, by name. Default: the first. */
  readonly head?: string | undefined;
}

export interface CallOptions {
  /** Rejects the call with its reason; texts that have not been asked yet are dropped. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An exported student that answers in threads of its own; texts of concurrent calls are answered together.
 * A method that does not belong to the student's task rejects with code E_STUDENT_TASK, texts that are no pairs of
 * a student of pairs, and the other way round, with E_STUDENT_TEXT.
 */
export interface Student<Label extends string = string> {
  readonly classNames: readonly Label[];
  readonly task: StudentTask;
  /** One label a text. */
  classify(texts: readonly StudentText[], options?: CallOptions): Promise<Classification<Label>[]>;
  /** All labels that apply to each text, the most likely first; of multi-label students. */
  labels(texts: readonly StudentText[], options?: CallOptions): Promise<LabelSet<Label>[]>;
  /** The numbers of each text by name; of regression students. */
  values(texts: readonly StudentText[], options?: CallOptions): Promise<Record<Label, number>[]>;
  /** A label for each word; of token classification students. */
  tag(
    sentences: readonly (readonly string[])[],
    options?: CallOptions,
  ): Promise<TaggedWord<Label>[][]>;
  /** Answers the calls that were made and ends the thread; later ones are refused. */
  close(): Promise<void>;
}

/** The student was asked for something that it was not trained to say. */
class StudentTaskError extends Failure {
  constructor(method: string, task: StudentTask) {
    super(
      'usage',
      'E_STUDENT_TASK',
      `${method}() was asked of a student of ${task}`,
      `call ${METHODS[task]}() instead`,
    );
  }
}

class StudentClosedError extends Failure {
  constructor(folder: string) {
    super(
      'usage',
      'E_STUDENT_CLOSED',
      `the student of ${folder} was closed`,
      'load it once, and close it when the last call is answered',
    );
  }
}

/**
 * Loads a folder that export-student made. `Label` is the type in its labels.d.ts:
 * `loadStudent<Label>('student')`. Rejects with code E_STUDENT where the folder is no student, and with
 * E_STUDENT_HEAD where it has no such head.
 */
export async function loadStudent<Label extends string = string>(
  folder: string,
  options: LoadOptions = {},
): Promise<Student<Label>> {
  const students = await openStudentThreads(folder, { threads: 1, ...options });
  return serviceOf<Label>(students, folder, options.threads ?? 1);
}

function serviceOf<Label extends string>(
  students: OpenStudent,
  folder: string,
  threads: number,
): Student<Label> {
  const { task, classNames, readsPairs } = students;
  // One waits at the door of each thread.
  const batching = { limit: BATCH_TEXTS, inFlight: 2 * threads };
  // Of several labels those that are said, however many.
  const top = task === 'multi-label' ? 0 : 1;
  const askBatched = microBatches(
    (texts: readonly StudentText[]) => students.classify(texts, { top }),
    batching,
  );
  const askTexts = (texts: readonly StudentText[], signal: AbortSignal | undefined) => {
    // Here too, so that a wrong call does not fail those that are answered with it.
    tokenizerInputs(folder, readsPairs, texts);
    return askBatched(texts, signal);
  };
  const askWords = microBatches(
    (sentences: readonly (readonly string[])[]) => students.tag(sentences),
    batching,
  );
  const open = new Set<Promise<unknown>>();
  let closed: Promise<void> | undefined;
  /** A call that `close` waits for. */
  const answered = <Answers>(method: keyof typeof TASKS, ask: () => Promise<Answers>) => {
    if (closed !== undefined) throw new StudentClosedError(folder);
    if (TASKS[method] !== task) throw new StudentTaskError(method, task);
    const call = ask();
    open.add(call);
    return call.finally(() => open.delete(call));
  };
  // Names of classes came from this folder's config.json; `Label` is the caller's word for them.
  const named = (label: string) => label as Label;
  return {
    classNames: classNames.map(named),
    task,
    async classify(texts, { signal } = {}) {
      const predictions = await answered('classify', () => askTexts(texts, signal));
      return predictions.map(({ label, confidence, abstained }) => ({
        label: named(label),
        confidence,
        abstained,
      }));
    },
    async labels(texts, { signal } = {}) {
      const predictions = await answered('labels', () => askTexts(texts, signal));
      return predictions.map(({ top: said, abstained }) => ({
        labels: said.map(({ label, probability }) => ({
          label: named(label),
          confidence: probability,
        })),
        abstained,
      }));
    },
    async values(texts, { signal } = {}) {
      const predictions = await answered('values', () => askTexts(texts, signal));
      return predictions.map((prediction) => {
        const entries = prediction.top.map(({ label, probability }) => [label, probability]);
        return Object.fromEntries(entries) as Record<Label, number>;
      });
    },
    async tag(sentences, { signal } = {}) {
      const tagged = await answered('tag', () => askWords(sentences, signal));
      return tagged.map((words) =>
        words.map((word) => ({ ...word, label: word.label === null ? null : named(word.label) })),
      );
    },
    close() {
      closed ??= Promise.allSettled(open).then(() => students.close());
      return closed;
    },
  };
}

const TASKS = {
  classify: 'classification',
  labels: 'multi-label',
  values: 'regression',
  tag: 'token-classification',
} as const satisfies Record<string, StudentTask>;

const METHODS = {
  classification: 'classify',
  'multi-label': 'labels',
  regression: 'values',
  'token-classification': 'tag',
} as const satisfies Record<StudentTask, keyof typeof TASKS>;

/** At 8,000 texts a second a batch takes 16 ms. */
const BATCH_TEXTS = 128;
