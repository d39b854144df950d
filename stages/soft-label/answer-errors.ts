import { basename } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { describeRow } from './quarantine.ts';
import type { TeacherRow } from './teacher-rows.ts';

/** Rows of the corpus that nobody has answered. */
export class MissingAnswersError extends Failure {
  constructor({ count, first }: { count: number; first: readonly TeacherRow[] }, total: number) {
    const named = first.map(describeRow).join('; ');
    super(
      'data',
      'E_ANSWERS_MISSING',
      `${count.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows have no answer, the first: ${named}`,
      'add their answers to the file, or set teacher.missing: skip to leave these rows out',
    );
  }
}

/** Not one answer is about a row of the corpus. */
export class AnswersForOthersError extends Failure {
  constructor(paths: readonly string[], read: number) {
    super(
      'data',
      'E_ANSWERS_OTHERS',
      `${paths.map((path) => basename(path)).join(', ')}: none of ${read.toLocaleString('en-US')} answers is about a row of the corpus`,
      'write the id that the corpus has (corpus.columns.id), its text letter by letter, or example_id of npx decant cache sql "select * from examples"',
    );
  }
}

/** Features are wanted of answers that come from no graph. */
export class AnswersWithoutGraphError extends Failure {
  constructor(hidden: readonly string[]) {
    super(
      'usage',
      'E_ANSWERS_HIDDEN',
      `soft-label.hidden asks for ${hidden.join(', ')}, but the teacher is a file of answers and has no tensors`,
      'leave soft-label.hidden out, or name a model in teacher.model',
    );
  }
}
