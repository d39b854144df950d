import { Failure } from '#cache/failure.ts';
import { openBytes, STDIN } from '#datasets/corpus/byte-source.ts';
import type { CorpusEntry, RawRow } from '#datasets/corpus/corpus-row.ts';
import { readCsv } from '#datasets/corpus/csv.ts';
import { readJsonl } from '#datasets/corpus/jsonl.ts';
import { linesOf } from '#datasets/corpus/lines.ts';
import { decodeUtf8 } from '#datasets/corpus/strict-utf8.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import type { InputFormat } from './format-names.ts';

/** A text to be labelled, and what the row calls itself. */
export interface AskedText {
  readonly text: string;
  readonly id: string | undefined;
}

/** A row of stdin that cannot be labelled. */
class InputRowError extends Failure {
  constructor(line: number, problem: string, fix: string) {
    super('data', 'E_PREDICT_INPUT', `stdin, line ${line}: ${problem}`, fix);
  }
}

/** Texts of stdin in groups of at most `size`, in order; empty lines are skipped, as they have no label. */
export async function* textsOfStdin(
  format: InputFormat,
  { column, size }: { readonly column: string; readonly size: number },
): AsyncGenerator<AskedText[], void, void> {
  let group: AskedText[] = [];
  for await (const asked of format === 'lines' ? lines() : rows(format, column)) {
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
    if (text.trim() !== '') yield { text, id: undefined };
  }
}

async function* rows(
  format: Exclude<InputFormat, 'lines'>,
  column: string,
): AsyncGenerator<AskedText, void, void> {
  for await (const found of readerOf(format)) {
    if ('type' in found) {
      if (found.type === 'reject') throw rejected(found);
      continue;
    }
    yield askedText(found, column);
  }
}

function readerOf(format: Exclude<InputFormat, 'lines'>): AsyncIterable<RawRow | CorpusEntry> {
  if (format === 'jsonl') return readJsonl(STDIN);
  return readCsv(STDIN, 'all', format === 'csv' ? ',' : '\t');
}

function askedText({ line, values }: RawRow, column: string): AskedText {
  const { [column]: text, id } = values;
  if (typeof text === 'string' && text.trim() !== '') {
    return { text, id: idOf(id) };
  }
  if (column in values) {
    throw new InputRowError(line, `"${column}" is no text: ${JSON.stringify(text)}`, LEAVE_OUT);
  }
  const hint = hintFor(column, Object.keys(values));
  throw new InputRowError(
    line,
    `has no "${column}"; ${hint}`,
    'name the column with --column NAME',
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
