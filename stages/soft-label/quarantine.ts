import { Failure } from '#cache/failure.ts';
import type { TeacherRow } from './teacher-rows.ts';

/** The teacher gives NaN or infinities for too many rows to be an accident. */
export class TeacherOutputError extends Failure {
  constructor(bad: number, total: number, first: TeacherRow) {
    super(
      'model',
      'E_TEACHER_NAN',
      `the teacher gave NaN or infinite numbers for ${bad} of ${total} rows (0.1 % are allowed); the first: ${describeRow(first)}`,
      'check the model in float32: float16 overflow is the usual cause',
    );
  }
}

/** Rows without numbers: left out of the files, told, and counted. */
export class Quarantine {
  readonly #total: number;
  #first: TeacherRow | undefined;
  #count = 0;

  constructor(total: number) {
    this.#total = total;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes a row in, or throws when it is one too many. Returns what to tell. */
  add(row: TeacherRow): string {
    this.#count += 1;
    this.#first ??= row;
    if (this.#count > this.#total * ALLOWED_SHARE) {
      throw new TeacherOutputError(this.#count, this.#total, this.#first);
    }
    return `left out, because the teacher gave NaN or infinite numbers: ${describeRow(row)}`;
  }
}

/** Where a row is and how it begins, for messages. */
export function describeRow({ split, exampleId, sourceId, text }: TeacherRow): string {
  const excerpt = text === null || text.length <= 60 ? text : `${text.slice(0, 60)}...`;
  const source = sourceId === null ? '' : ` (id ${sourceId})`;
  const quoted = excerpt === null ? '' : ` ${JSON.stringify(excerpt)}`;
  return `${split} row ${exampleId}${source}${quoted}`;
}

const ALLOWED_SHARE = 0.001;
