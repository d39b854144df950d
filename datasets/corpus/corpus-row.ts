import type { FeatureRow } from '#datasets/features.ts';
import { hasLoneSurrogate, type Reject } from './reject.ts';
import { RejectedValue, typeOf, valueOf } from './rejected-value.ts';
import { columnsOfTensor, type TensorColumns, tensorsIn } from './tensor-columns.ts';
import { type ValueForm, valueLabelIn } from './value-labels.ts';

/** Which column of the corpus plays which part. */
export interface CorpusColumns {
  /** null: the rows have no text, only tensors. */
  readonly text: string | null;
  readonly label: string | readonly string[];
  readonly id: string;
  readonly textPair?: string | undefined;
  /** By model input. */
  readonly tensors?: Readonly<Record<string, TensorColumns>> | undefined;
  /** Further columns whose values are kept with the row, as texts. */
  readonly kept?: readonly string[] | undefined;
  /** Of tasks whose label is no single class. */
  readonly valueLabels?: ValueForm | undefined;
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
  /** Empty where the rows have tensors only. */
  readonly text: string;
  readonly textPair: string | null;
  /** As the corpus writes it, or as `valueLabelIn` does; null where the row has none. */
  readonly label: string | null;
  readonly features?: FeatureRow;
  /** Values of the kept columns, where there are any. */
  readonly kept?: Readonly<Record<string, string | null>>;
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
    const text = columns.text === null ? '' : requiredText(values, columns.text);
    const textPair = columns.textPair === undefined ? null : requiredText(values, columns.textPair);
    const label = labelIn(values, columns);
    const sourceId = optionalName(values, columns.id);
    const features = columns.tensors && { features: tensorsIn(values, columns.tensors) };
    const kept = columns.kept && { kept: keptIn(values, columns.kept) };
    const row = { file, line, text, textPair, label, sourceId, ...features, ...kept };
    return { type: 'row', row };
  } catch (error) {
    if (!(error instanceof RejectedValue)) throw error;
    return rejectEntry(raw, error);
  }
}

/** The columns that are read of a file with these ones, and which of them it must have. */
export function wantedColumns(
  { text, textPair, label, id, kept = [], tensors = {} }: CorpusColumns,
  names: readonly string[],
): { readonly role: string; readonly column: string; readonly required: boolean }[] {
  const ofTensors = Object.entries(tensors).flatMap(([input, tensor]) => {
    const found = columnsOfTensor(tensor, names);
    const columns = found.length === 0 ? [tensor.columns].flat() : found;
    return columns.map((column) => ({ role: `tensors.${input}`, column, required: true }));
  });
  return [
    ...(text === null ? [] : [{ role: 'text', column: text, required: true }]),
    ...(textPair === undefined ? [] : [{ role: 'textPair', column: textPair, required: true }]),
    ...[label].flat().map((column) => ({ role: 'label', column, required: false })),
    { role: 'id', column: id, required: false },
    ...kept.map((column) => ({ role: 'slices', column, required: true })),
    ...ofTensors,
  ];
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

function labelIn(values: RawRow['values'], { label, valueLabels }: CorpusColumns): string | null {
  if (valueLabels !== undefined) return valueLabelIn(values, { ...valueLabels, columns: label });
  return optionalName(values, [label].flat()[0] ?? '');
}

function keptIn(
  values: RawRow['values'],
  columns: readonly string[],
): Record<string, string | null> {
  return Object.fromEntries(columns.map((column) => [column, optionalName(values, column)]));
}

/** A value that the row must have, of whatever type. */
export function requiredValue(values: RawRow['values'], column: string): unknown {
  const value = valueOf(values, column);
  if (value !== undefined && value !== null) return value;
  const reason = `no "${column}" (row has: ${Object.keys(values).join(', ')})`;
  throw new RejectedValue(column, 'missing-value', reason, undefined);
}

function requiredText(values: RawRow['values'], column: string): string {
  const value = requiredValue(values, column);
  if (typeof value !== 'string') {
    throw new RejectedValue(column, 'wrong-type', `${typeOf(value)} instead of text`, value);
  }
  requireCleanText(column, value);
  if (value.trim() === '') {
    throw new RejectedValue(column, 'empty-value', 'nothing but white space', value);
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
    throw new RejectedValue(column, 'wrong-type', reason, value);
  }
  requireCleanText(column, value);
  return value.trim() === '' ? null : value;
}

/** JSON.parse has already rounded what lies beyond 2^53: two ids would become one. */
function exactNumber(column: string, value: number): string {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    const reason = 'a number too large to be exact; write it in quotes';
    throw new RejectedValue(column, 'inexact-number', reason, value);
  }
  return String(value);
}

/** Refuses what no stored text can hold. */
export function requireCleanText(column: string, text: string): void {
  if (hasLoneSurrogate(text)) {
    const reason = 'half of a surrogate pair, which no UTF-8 text can hold';
    throw new RejectedValue(column, 'lone-surrogate', reason, text);
  }
  if (text.includes('\u0000')) {
    throw new RejectedValue(column, 'nul-character', 'a NUL character', text);
  }
}
