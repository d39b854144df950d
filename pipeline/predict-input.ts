import { Failure } from '#cache/failure.ts';
import { openBytes, STDIN } from '#datasets/corpus/byte-source.ts';
import type { CorpusEntry, RawRow } from '#datasets/corpus/corpus-row.ts';
import { readCsv } from '#datasets/corpus/csv.ts';
import { readJsonl } from '#datasets/corpus/jsonl.ts';
import { linesOf } from '#datasets/corpus/lines.ts';
import { decodeUtf8 } from '#datasets/corpus/strict-utf8.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import type { InputFormat } from './display/format-names.ts';

/** A text to be labelled, and what the row calls itself. */
export interface AskedText {
  readonly text: string;
  /** Of a student of pairs. */
  readonly textPair: string | undefined;
  readonly id: string | undefined;
}

/** Where the texts stand in a row. */
export interface TextColumns {
  readonly column: string;
  /** Of a student of pairs: the second text. */
  readonly pairColumn: string | undefined;
}

/** A row of stdin that cannot be labelled. */
class InputRowError extends Failure {
  constructor(line: number, problem: string, fix: string) {
    super('data', 'E_PREDICT_INPUT', `stdin, line ${line}: ${problem}`, fix);
  }
}

/** A line holds one text. */
class LinesOfPairsError extends Failure {
  constructor() {
    super(
      'usage',
      'E_STUDENT_TEXT',
      'this student learned from pairs of texts, and a line of stdin is a single text',
      'use --format csv, tsv or jsonl, with --column and --pair-column for the names of the two texts',
    );
  }
}

/**
 * Texts of stdin in groups of at most `size`, in order; empty lines are skipped, as they have no label. Throws
 * E_PREDICT_INPUT at a row without its text, E_STUDENT_TEXT where pairs are asked of lines.
 */
export async function* textsOfStdin(
  format: InputFormat,
  { size, ...columns }: TextColumns & { readonly size: number },
): AsyncGenerator<AskedText[], void, void> {
  if (format === 'lines' && columns.pairColumn !== undefined) throw new LinesOfPairsError();
  let group: AskedText[] = [];
  for await (const asked of format === 'lines' ? lines() : rows(format, columns)) {
    group.push(asked);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

async function* lines(): AsyncGenerator<AskedText, void, void> {
  const { chunks } = await openBytes(STDIN);
  for await (const { bytes, line } of linesOf(chunks)) {
    const decoded = decodeUtf8(bytes);
    if (!decoded.valid) throw new InputRowError(line, 'is not UTF-8', SAVE_AS_UTF8);
    const text = decoded.text.replace(/\r$/, '');
    if (text.trim() !== '') yield { text, textPair: undefined, id: undefined };
  }
}

async function* rows(
  format: Exclude<InputFormat, 'lines'>,
  columns: TextColumns,
): AsyncGenerator<AskedText, void, void> {
  for await (const found of readerOf(format)) {
    if ('type' in found) {
      if (found.type === 'reject') throw rejected(found);
      continue;
    }
    yield askedText(found, columns);
  }
}

function readerOf(format: Exclude<InputFormat, 'lines'>): AsyncIterable<RawRow | CorpusEntry> {
  if (format === 'jsonl') return readJsonl(STDIN);
  return readCsv(STDIN, 'all', format === 'csv' ? ',' : '\t');
}

function askedText(row: RawRow, { column, pairColumn }: TextColumns): AskedText {
  return {
    text: textIn(row, column, '--column'),
    textPair: pairColumn === undefined ? undefined : textIn(row, pairColumn, '--pair-column'),
    id: idOf(row.values['id']),
  };
}

function textIn({ line, values }: RawRow, column: string, option: string): string {
  const { [column]: text } = values;
  if (typeof text === 'string' && text.trim() !== '') return text;
  if (column in values) {
    throw new InputRowError(line, `"${column}" is no text: ${JSON.stringify(text)}`, LEAVE_OUT);
  }
  const hint = hintFor(column, Object.keys(values));
  throw new InputRowError(
    line,
    `has no "${column}"; ${hint}`,
    `name the column with ${option} NAME`,
  );
}

function idOf(id: unknown): string | undefined {
  if (id === undefined || id === null) return undefined;
  return typeof id === 'string' ? id : JSON.stringify(id);
}

function rejected({ reject }: Extract<CorpusEntry, { type: 'reject' }>): InputRowError {
  return new InputRowError(reject.line, `${reject.reason} (${reject.excerpt})`, LEAVE_OUT);
}

const SAVE_AS_UTF8 = 'convert it: iconv -t UTF-8';
const LEAVE_OUT = 'mend the row, or leave it out';
