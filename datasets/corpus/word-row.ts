import {
  type CorpusEntry,
  optionalName,
  type RawRow,
  rejectEntry,
  requireCleanText,
  requiredValue,
} from './corpus-row.ts';
import { RejectedValue, typeOf, valueOf } from './rejected-value.ts';

/** Where words and tags of a sentence stand. */
export interface WordColumns {
  /** Key of the list of words. */
  readonly tokens: string;
  /** Key of the list of tags; a row without it is unlabelled. */
  readonly labels: string;
  readonly id: string;
  /** Of CoNLL files, counted from 1. Default: the first. */
  readonly wordColumn?: number | undefined;
  /** Of CoNLL files, counted from 1. Default: the last. */
  readonly tagColumn?: number | undefined;
}

/** Checks one sentence; its text, for people, is its words with a space between them. */
export function toWordEntry(raw: RawRow, columns: WordColumns): CorpusEntry {
  try {
    const { file, line, values } = raw;
    const words = wordsIn(values, columns.tokens);
    const tags = tagsIn(values, columns.labels, words.length);
    const sourceId = optionalName(values, columns.id);
    const text = words.join(' ');
    return {
      type: 'row',
      row: { file, line, text, textPair: null, label: null, words, tags, sourceId },
    };
  } catch (error) {
    if (!(error instanceof RejectedValue)) throw error;
    return rejectEntry(raw, error);
  }
}

function wordsIn(values: RawRow['values'], column: string): string[] {
  const value = requiredValue(values, column);
  if (!Array.isArray(value)) {
    const reason = `${typeOf(value)} instead of a list of words`;
    throw new RejectedValue(column, 'wrong-type', reason, value);
  }
  if (value.length === 0) throw new RejectedValue(column, 'empty-value', 'no word', value);
  return value.map((word: unknown) => wordOf(column, word));
}

function wordOf(column: string, word: unknown): string {
  if (typeof word !== 'string') {
    throw new RejectedValue(column, 'wrong-type', `${typeOf(word)} instead of a word`, word);
  }
  requireCleanText(column, word);
  if (word === '')
    throw new RejectedValue(column, 'empty-value', 'a word without a character', word);
  return word;
}

/** One tag a word, null where it has none. */
function tagsIn(values: RawRow['values'], column: string, wordCount: number): (string | null)[] {
  const value = valueOf(values, column) ?? null;
  if (value === null) return Array.from({ length: wordCount }, () => null);
  if (!Array.isArray(value)) {
    const reason = `${typeOf(value)} instead of a list of labels`;
    throw new RejectedValue(column, 'wrong-type', reason, value);
  }
  if (value.length !== wordCount) {
    const reason = `${value.length} labels for ${wordCount} words`;
    throw new RejectedValue(column, 'field-count', reason, value);
  }
  return value.map((tag: unknown) => optionalName({ [column]: tag }, column));
}
