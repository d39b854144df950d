import type { RowSizes } from './shards.ts';
import { answerCount, rowLength, type TeacherRow } from './teacher-rows.ts';

/** Rows that meet the teacher together, padded to one length. */
export interface Batch {
  /** Positions in the list that was planned. */
  readonly rows: readonly number[];
  readonly length: number;
}

export interface BatchOptions {
  /** Padded tokens in a batch; a single row may exceed it. */
  readonly tokenBudget: number;
  readonly maxLength: number;
  readonly shape: BatchShape;
  /** Of how many classes a row is answered; where words or tokens are, how many answers of each row. */
  readonly answers?: {
    readonly counts: ArrayLike<number> | undefined;
    readonly classCount: number;
  };
}

/** What a teacher says about the shape of its inputs. */
export interface BatchShape {
  /** Only rows of equal length stand together, unpadded: without an attention mask, and wherever the CPU may choose. */
  readonly exactLengths: boolean;
  /** Rows of every batch where the model has a fixed number; the budget then has no say. */
  readonly fixedRows?: number | undefined;
  /** Tokens of every row where the model has a fixed number. */
  readonly fixedLength?: number | undefined;
  readonly rounding: LengthRounding;
}

/** How lengths are rounded up: to multiples of four, or of the power of two within a sixteenth of the length. */
export type LengthRounding = 'fours' | 'sixteenths';

/**
 * On the CPU, where rows must be padded, a model that adds up its tokens does so four floats at a time: at other
 * lengths padding would change the last bits of a row. A GPU likes few shapes: sixteenths leave it 16 of them up to
 * 16 tokens and 16 more with each doubling, and pad a row by less than 6 %, where multiples of 8 double one of 9.
 */
export function roundingOf(provider: string): LengthRounding {
  return provider === 'cpu' ? 'fours' : 'sixteenths';
}

/** Any number of rows of any length. */
export const FREE_SHAPE: BatchShape = {
  exactLengths: false,
  fixedRows: undefined,
  fixedLength: undefined,
  rounding: 'fours',
};

/** Batches of rows of which only lengths and answers are known, as `planRows` would make them of the rows. */
export function planSizes(
  { lengths, answerCounts: counts }: RowSizes,
  { classCount, ...options }: Omit<BatchOptions, 'answers'> & { readonly classCount: number },
): Batch[] {
  return planBatches(lengths, { ...options, answers: { counts, classCount } });
}

/** Batches of rows of the corpus, for a teacher that answers by so many classes. */
export function planRows(
  rows: readonly TeacherRow[],
  { classCount, ...options }: Omit<BatchOptions, 'answers'> & { readonly classCount: number },
): Batch[] {
  const answers = { counts: rows.map(answerCount), classCount };
  return planBatches(rows.map(rowLength), { ...options, answers });
}

/**
 * Batches of rows of like length, the longest first: the peak of memory comes at once and not after
 * hours.
 */
export function planBatches(lengths: ArrayLike<number>, options: BatchOptions): Batch[] {
  const order = Array.from(lengths, (_, row) => row);
  order.sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const batches: Batch[] = [];
  const room = roomForAnswers(options);
  let open: { rows: number[]; length: number } | undefined;
  let answered = 0;
  for (const row of order) {
    const length = paddedLength(lengths[row] ?? 0, options);
    const answers = options.answers?.counts?.[row] ?? 1;
    if (open === undefined || answered + answers > room || !fits(open, length, options)) {
      open = { rows: [], length };
      answered = 0;
      batches.push(open);
    }
    open.rows.push(row);
    answered += answers;
  }
  return batches;
}

/**
 * What is computed of one answer grows with the classes, not with the model: 2,048 tokens of 30,522 classes took
 * 7 GB, 550 of them take 1. A vocabulary above 8,192 pieces therefore weighs its answers down to that many.
 */
function roomForAnswers({ tokenBudget, answers, shape }: BatchOptions): number {
  // A fixed number of rows is filled up, whatever it takes.
  if (answers === undefined || shape.fixedRows !== undefined) return Number.POSITIVE_INFINITY;
  return tokenBudget * Math.min(1, 8192 / answers.classCount);
}

function fits(open: Batch, length: number, { tokenBudget, shape }: BatchOptions): boolean {
  if (shape.exactLengths && open.length !== length) return false;
  return shape.fixedRows === undefined
    ? (open.rows.length + 1) * open.length <= tokenBudget
    : open.rows.length < shape.fixedRows;
}

function paddedLength(length: number, { maxLength, shape }: BatchOptions): number {
  const { exactLengths, fixedLength, rounding } = shape;
  if (fixedLength !== undefined) return fixedLength;
  if (exactLengths) return Math.max(length, 1);
  const rounded = roundedLength(Math.max(length, 1), rounding);
  return Math.max(length, Math.min(rounded, maxLength));
}

/** Tokens of a padded row; `length` is 1 or more. */
export function roundedLength(length: number, rounding: LengthRounding): number {
  const step = rounding === 'fours' ? 4 : Math.max(1, 2 ** Math.floor(Math.log2(length / 16)));
  return Math.ceil(length / step) * step;
}
