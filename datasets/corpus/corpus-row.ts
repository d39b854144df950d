import { excerptOf, hasLoneSurrogate, type Reject, type RejectCode } from './reject.ts';

/** Which column of the corpus plays which part. */
export interface CorpusColumns {
  readonly text: string;
  readonly label: string;
  readonly id: string;
  readonly textPair?: string | undefined;
  /** Of rows that are words with tags: see `WordColumns`. */
  readonly tokens?: string | undefined;
  readonly labels?: string | undefined;
  readonly wordColumn?: number | undefined;
  readonly tagColumn?: number | undefined;
}

/** One good row of a corpus file. */
export interface CorpusRow {
  /** Name of the file without its folder. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly textPair: string | null;
  /** As the corpus writes it; null where the row has none. */
  readonly label: string | null;
  /** Of sentences cut into words only: the words, and the tag of each, null where it has none. */
  readonly words?: readonly string[];
  readonly tags?: readonly (string | null)[];
  readonly sourceId: string | null;
}

/** All that the corpus says of a row: its label, or the tags of its words; empty where it says nothing. */
export function labelsOf({ label, tags }: Pick<CorpusRow, 'label' | 'tags'>): string[] {
  return [label, ...(tags ?? [])].filter((name) => name !== null);
}

/** What a corpus file holds, row by row. */
export type CorpusEntry =
  | { readonly type: 'row'; readonly row: CorpusRow }
  | { readonly type: 'reject'; readonly reject: Reject };

/** A row as a reader of one format found it: unchecked values by column name. */
export interface RawRow {
  readonly file: string;
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Checks the values of one row. */
export function toCorpusEntry(raw: RawRow, columns: CorpusColumns): CorpusEntry {
  try {
    const { file, line, values } = raw;
    const text = requiredText(values, columns.text);
    const textPair = columns.textPair === undefined ? null : requiredText(values, columns.textPair);
    const label = optionalName(values, columns.label);
    const sourceId = optionalName(values, columns.id);
    return { type: 'row', row: { file, line, text, textPair, label, sourceId } };
  } catch (error) {
    if (!(error instanceof RejectedValue)) throw error;
    return rejectEntry(raw, error);
  }
}

/** A reject as an entry; `place` says in which file and line. */
export function rejectEntry(
  place: { readonly file: string; readonly line: number },
  fault: Pick<Reject, 'column' | 'code' | 'reason' | 'excerpt'>,
): CorpusEntry {
  const { column, code, reason, excerpt } = fault;
  return {
    type: 'reject',
    reject: { file: place.file, line: place.line, column, code, reason, excerpt },
  };
}

/** Not a failure of the run: caught by those who check a row, and turned into a reject. */
export class RejectedValue extends Error {
  readonly column: string;
  readonly code: RejectCode;
  readonly reason: string;
  readonly excerpt: string;

  constructor(column: string, code: RejectCode, reason: string, excerpt: string) {
    super(reason);
    this.column = column;
    this.code = code;
    this.reason = reason;
    this.excerpt = excerpt;
  }
}

function requiredText(values: RawRow['values'], column: string): string {
  const value = valueOf(values, column);
  if (value === undefined || value === null) {
    const names = Object.keys(values).join(', ');
    throw new RejectedValue(column, 'missing-value', `no "${column}" (row has: ${names})`, '');
  }
  if (typeof value !== 'string') {
    throw new RejectedValue(column, 'wrong-type', `${typeOf(value)} instead of text`, shown(value));
  }
  requireCleanText(column, value);
  if (value.trim() === '') {
    throw new RejectedValue(column, 'empty-value', 'nothing but white space', shown(value));
  }
  return value;
}

/** A label or id: text, number or truth value; null where it is absent or blank. */
export function optionalName(values: RawRow['values'], column: string): string | null {
  const value = valueOf(values, column);
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return exactNumber(column, value);
  if (typeof value !== 'string') {
    const reason = `${typeOf(value)} instead of text or a number`;
    throw new RejectedValue(column, 'wrong-type', reason, shown(value));
  }
  requireCleanText(column, value);
  return value.trim() === '' ? null : value;
}

/** JSON.parse has already rounded what lies beyond 2^53: two ids would become one. */
function exactNumber(column: string, value: number): string {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    const reason = 'a number too large to be exact; write it in quotes';
    throw new RejectedValue(column, 'inexact-number', reason, String(value));
  }
  return String(value);
}

/** Refuses what no stored text can hold. */
export function requireCleanText(column: string, text: string): void {
  if (hasLoneSurrogate(text)) {
    const reason = 'half of a surrogate pair, which no UTF-8 text can hold';
    throw new RejectedValue(column, 'lone-surrogate', reason, shown(text));
  }
  if (text.includes('\u0000')) {
    throw new RejectedValue(column, 'nul-character', 'a NUL character', shown(text));
  }
}

/** Own properties only: a column named `constructor` must not find what every object inherits. */
export function valueOf(values: RawRow['values'], column: string): unknown {
  return Object.hasOwn(values, column) ? values[column] : undefined;
}

/** What a value is, in words. */
export function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}

/** The beginning of a value, for a reject. */
export function shown(value: unknown): string {
  return excerptOf(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}
