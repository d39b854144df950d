import { resolve } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { startWorker, type WorkerThread } from '#stages/worker-thread.ts';
import { microBatches } from './micro-batches.ts';
import type { StudentOptions } from './open-student.ts';
import type { AnswerRules, Prediction, WordPrediction } from './student-answers.ts';
import type { StudentTask } from './student-folder.ts';

/** What a student says of one text. */
export interface Classification<Label extends string = string> {
  readonly label: Label;
  /** Probability of `label`, 0..1. */
  readonly confidence: number;
  /** The student is less sure than its operating point asks: treat the label as a guess. */
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

export interface CallOptions {
  /** Rejects the call with its reason; texts that have not been asked yet are dropped. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An exported student that answers in a thread of its own; texts of concurrent calls are answered together.
 * A method that does not belong to the student's task rejects with code E_STUDENT_TASK.
 */
export interface Student<Label extends string = string> {
  readonly classNames: readonly Label[];
  readonly task: StudentTask;
  /** One label a text. */
  classify(texts: readonly string[], options?: CallOptions): Promise<Classification<Label>[]>;
  /** All labels that apply to each text, the most likely first; of multi-label students. */
  labels(texts: readonly string[], options?: CallOptions): Promise<AppliedLabel<Label>[][]>;
  /** The numbers of each text by name; of regression students. */
  values(texts: readonly string[], options?: CallOptions): Promise<Record<Label, number>[]>;
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

/** What the thread is asked. */
export type StudentRequest =
  | { readonly type: 'open'; readonly folder: string; readonly options: StudentOptions }
  | { readonly type: 'classify'; readonly texts: readonly string[]; readonly top: number }
  | { readonly type: 'tag'; readonly sentences: readonly (readonly string[])[] };

/** What the thread answers. */
export type StudentReply =
  | { readonly type: 'opened'; readonly rules: AnswerRules }
  | { readonly type: 'classified'; readonly predictions: readonly Prediction[] }
  | { readonly type: 'tagged'; readonly sentences: readonly (readonly WordPrediction[])[] };

/**
 * Loads a folder that export-student made. `Label` is the type in its labels.d.ts:
 * `loadStudent<Label>('student')`. Rejects with code E_STUDENT where the folder is no student.
 */
export async function loadStudent<Label extends string = string>(
  folder: string,
  options: StudentOptions = {},
): Promise<Student<Label>> {
  const thread = startWorker<StudentRequest, StudentReply>(
    new URL('./student.worker.ts', import.meta.url),
  );
  try {
    const opened = await thread.request({ type: 'open', folder: resolve(folder), options });
    if (opened.type !== 'opened') throw new UnexpectedReplyError(opened);
    return serviceOf<Label>(thread, opened.rules, folder);
  } catch (error) {
    await thread.close();
    throw error;
  }
}

function serviceOf<Label extends string>(
  thread: WorkerThread<StudentRequest, StudentReply>,
  rules: AnswerRules,
  folder: string,
): Student<Label> {
  const { task } = rules;
  // Of several labels those that are said, however many.
  const top = task === 'multi-label' ? 0 : 1;
  const askTexts = microBatches(async (texts: readonly string[]) => {
    const reply = await thread.request({ type: 'classify', texts, top });
    if (reply.type !== 'classified') throw new UnexpectedReplyError(reply);
    return reply.predictions;
  }, BATCHING);
  const askWords = microBatches(async (sentences: readonly (readonly string[])[]) => {
    const reply = await thread.request({ type: 'tag', sentences });
    if (reply.type !== 'tagged') throw new UnexpectedReplyError(reply);
    return reply.sentences;
  }, BATCHING);
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
    classNames: rules.classNames.map(named),
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
      return predictions.map((prediction) =>
        prediction.top.map(({ label, probability }) => ({
          label: named(label),
          confidence: probability,
        })),
      );
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
      closed ??= Promise.allSettled(open).then(() => thread.close());
      return closed;
    },
  };
}

class UnexpectedReplyError extends Error {
  constructor(reply: StudentReply) {
    super(`the student's thread answered ${reply.type}`);
  }
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

/** Texts of a batch: at 8,000 texts a second it takes 16 ms. The second one waits at the thread's door. */
const BATCHING = { limit: 128, inFlight: 2 };
