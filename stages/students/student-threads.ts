import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { ownProgram } from '#cache/own-program.ts';
import { startWorker, type WorkerThread } from '#stages/worker-thread.ts';
import type { OpenStudent, StudentOptions } from './open-student.ts';
import type { AnswerRules, Prediction, WordPrediction } from './student-answers.ts';
import type { StudentText } from './student-text.ts';

/** What the thread is asked. */
export type StudentRequest =
  | { readonly type: 'open'; readonly folder: string; readonly options: StudentOptions }
  | { readonly type: 'classify'; readonly texts: readonly StudentText[]; readonly top: number }
  | { readonly type: 'tag'; readonly sentences: readonly (readonly string[])[] };

/** What the thread answers. */
export type StudentReply =
  | { readonly type: 'opened'; readonly rules: AnswerRules; readonly readsPairs: boolean }
  | { readonly type: 'classified'; readonly predictions: Prediction[] }
  | { readonly type: 'tagged'; readonly sentences: WordPrediction[][] };

/**
 * A student in `threads` threads, each with a session on one core: batches side by side keep two cores busier
 * than operators cut in two, whose threads wait for each other. A call goes to the thread with the fewest open.
 */
export async function openStudentThreads(
  folder: string,
  { threads = availableParallelism(), precision, head }: StudentOptions = {},
): Promise<OpenStudent> {
  const lanes = Array.from({ length: threads }, () => new Lane());
  const close = async () => {
    await Promise.all(lanes.map((lane) => lane.close()));
  };
  try {
    const options = { threads: 1, precision, head };
    const request: StudentRequest = { type: 'open', folder: resolve(folder), options };
    const [opened] = await Promise.all(lanes.map((lane) => lane.ask(request)));
    if (opened?.type !== 'opened') throw new UnexpectedReplyError(opened);
    const least = () => lanes.reduce((best, lane) => (lane.open < best.open ? lane : best));
    return {
      ...opened.rules,
      readsPairs: opened.readsPairs,
      async classify(texts, { top = 1 } = {}) {
        const reply = await least().ask({ type: 'classify', texts, top });
        if (reply.type !== 'classified') throw new UnexpectedReplyError(reply);
        return reply.predictions;
      },
      async tag(sentences) {
        const reply = await least().ask({ type: 'tag', sentences });
        if (reply.type !== 'tagged') throw new UnexpectedReplyError(reply);
        return reply.sentences;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One thread, and how many requests it has not answered yet. */
class Lane {
  open = 0;
  readonly #thread: WorkerThread<StudentRequest, StudentReply> = startWorker(
    ownProgram('./student.worker.ts', import.meta.url),
  );

  async ask(request: StudentRequest): Promise<StudentReply> {
    this.open += 1;
    try {
      return await this.#thread.request(request);
    } finally {
      this.open -= 1;
    }
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

class UnexpectedReplyError extends Error {
  constructor(reply: StudentReply | undefined) {
    super(`the student's thread answered ${reply?.type}`);
  }
}
