import { Failure } from '#cache/failure.ts';
import type { Reject } from '#datasets/corpus/reject.ts';

/** A split has no file, or both files and a fraction. */
export class SplitFilesError extends Failure {
  constructor(message: string, fix: string) {
    super('usage', 'E_CORPUS_SPLITS', message, fix);
  }
}

/** A split has no row to work with. */
export class EmptySplitError extends Failure {
  constructor(split: string, files: readonly string[], detail: string) {
    super(
      'data',
      'E_CORPUS_EMPTY',
      `${files.join(', ')}: no ${split} row ${detail}`,
      `give corpus.${split} files with rows`,
    );
  }
}

/** More rows are unreadable than `maxRejects` allows: the cause is rarely the rows. */
class TooManyRejectsError extends Failure {
  constructor(rejects: readonly Reject[], rowCount: number, allowedShare: number) {
    const share = ((100 * rejects.length) / rowCount).toFixed(1);
    const shown = rejects.slice(0, 3).map(placeAndReason).join('; ');
    super(
      'data',
      'E_CORPUS_REJECTS',
      `${rejects.length} of ${rowCount} rows (${share} %) are unreadable, allowed are ${100 * allowedShare} %: ${shown}`,
      fixFor(rejects),
    );
  }
}

/** Throws when more than this share of the rows was rejected. */
export function requireFewRejects(
  { rows, rejects }: { readonly rows: readonly unknown[]; readonly rejects: readonly Reject[] },
  allowedShare: number,
): void {
  const total = rows.length + rejects.length;
  if (rejects.length <= allowedShare * total) return;
  throw new TooManyRejectsError(rejects, total, allowedShare);
}

/** A word has one label or none: there is no place for shares of several. */
export class SoftWordLabelsError extends Failure {
  constructor() {
    super(
      'usage',
      'E_CORPUS_CONFLICT',
      'corpus.onConflict: soft keeps labels by their share, and token classification has one label a word',
      'set corpus.onConflict: majority, or reject',
    );
  }
}

/** A file that the teacher's folder has to hold. */
export class TeacherFileError extends Failure {
  constructor(file: string, path: string | undefined, detail: string) {
    super(
      'model',
      'E_TEACHER_FILES',
      path === undefined ? `the teacher has no ${file}: ${detail}` : `${path}: ${detail}`,
      `put the ${file} of the model beside it, as transformers writes it with save_pretrained`,
    );
  }
}

/** The class names of decant.yaml and those of the teacher cannot be brought together. */
export class ClassNamesError extends Failure {
  constructor(message: string, fix: string) {
    super('data', 'E_CLASS_NAMES', message, fix);
  }
}

/** A label of the corpus that is no class of the teacher. */
export interface UnknownLabel {
  readonly label: string;
  readonly file: string;
  readonly line: number;
  readonly rows: number;
  readonly nearest: string | undefined;
}

/** Labels that the teacher does not know; the first few, all with their place. */
export class UnknownLabelError extends Failure {
  constructor(unknown: readonly UnknownLabel[], classNames: readonly string[]) {
    const shown = unknown.slice(0, 5).map(describeUnknown).join('; ');
    const more = unknown.length > 5 ? `; and ${unknown.length - 5} more` : '';
    super(
      'data',
      'E_CORPUS_LABEL',
      `the teacher does not know ${unknown.length === 1 ? 'a label' : `${unknown.length} labels`} of the corpus: ${shown}${more}`,
      `write one of its ${classNames.length} classes (${firstNames(classNames)}) or leave the label empty, which makes the row unlabelled`,
    );
  }
}

function describeUnknown({ label, file, line, rows, nearest }: UnknownLabel): string {
  const count = rows === 1 ? '' : ` and ${rows - 1} more`;
  const hint = nearest === undefined ? '' : `, nearest class "${nearest}"`;
  return `"${label}" (${file} line ${line}${count}${hint})`;
}

function placeAndReason({ file, line, column, reason }: Reject): string {
  return `${file} line ${line}${column === null ? '' : `, ${column}`}: ${reason}`;
}

function fixFor(rejects: readonly Reject[]): string {
  const badText = rejects.filter((reject) => reject.code === 'bad-utf8').length;
  if (badText * 2 > rejects.length) {
    return 'convert the file to UTF-8, for example: iconv -f ISO-8859-1 -t UTF-8 FILE > NEW';
  }
  const missing = rejects.filter((reject) => reject.code === 'missing-value').length;
  return missing * 2 > rejects.length
    ? 'set corpus.columns to the names that the rows have'
    : 'correct the rows, or raise corpus.maxRejects';
}

function firstNames(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')}, ...`;
}

/** `corpus.columns.tensors` says something that no tensor can be. */
export class TensorSettingsError extends Failure {
  constructor(input: string, problem: string) {
    super(
      'usage',
      'E_CORPUS_TENSORS',
      `corpus.columns.tensors: the input "${input}" ${problem}`,
      'name each input as the model does, and give the axes of one row without the batch: shape: [1, 28, 28], or [null, 80] where rows differ in length',
    );
  }
}
