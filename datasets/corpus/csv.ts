import { basename } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { type CsvError, type Parser, parse } from 'csv-parse';
import { openBytes } from './byte-source.ts';
import { BrokenQuotesError, ColumnError, NoHeaderError, NotUtf8Error } from './corpus-errors.ts';
import {
  type CorpusColumns,
  type CorpusEntry,
  type RawRow,
  rejectEntry,
  wantedColumns,
} from './corpus-row.ts';
import { excerptOf } from './reject.ts';
import { decodeUtf8 } from './strict-utf8.ts';

/** Rows of a table file with a header line; quotes as in RFC 4180, blank lines are skipped. */
export async function* readCsv(
  path: string,
  columns: CorpusColumns | 'all',
  delimiter: ',' | '\t',
): AsyncGenerator<RawRow | CorpusEntry, void, void> {
  const file = basename(path);
  const { start, chunks } = await openBytes(path);
  const strayQuotes: CorpusEntry[] = [];
  const parser = createParser(path, delimiter, strayQuotes);
  // An error of the bytes comes out of the parser, whose iterator throws it below.
  pipeline(Readable.from(chunks), parser, () => {});
  let header: Header | undefined;
  for await (const record of recordsOf(parser)) {
    if (header === undefined) header = readHeader(path, record, columns, start);
    else {
      yield* takeBefore(strayQuotes, record.line);
      yield toRawRow(file, record, header, start);
    }
  }
  if (header === undefined) throw new NoHeaderError(path);
  yield* strayQuotes;
}

/** One row of the file: fields stay bytes, because the parser would replace bad UTF-8 in silence. */
interface ParsedRecord {
  readonly fields: readonly Buffer[];
  /** Line on which it begins. */
  readonly line: number;
  /** Where the row before it ends; blank and rejected lines may lie between. */
  readonly offset: number;
}

interface Header {
  readonly width: number;
  /** Position of each column that is read. */
  readonly positions: ReadonlyMap<string, number>;
}

async function* recordsOf(parser: Parser): AsyncGenerator<ParsedRecord, void, void> {
  let offset = 0;
  for await (const value of parser) {
    // The package types fields as text; with `encoding: null` they are buffers.
    const { record, info }: { record: Buffer[]; info: { lines: number; bytes: number } } = value;
    yield { fields: record, line: info.lines - lineBreaksIn(record), offset };
    offset = info.bytes;
  }
}

function createParser(path: string, delimiter: string, strayQuotes: CorpusEntry[]): Parser {
  let lastLine = 0;
  const parser: Parser = parse({
    delimiter,
    encoding: null,
    info: true,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxRecordBytes,
    skip_records_with_error: true,
    on_record: (record, info) => {
      lastLine = info.lines;
      return record;
    },
    on_skip: (error) => {
      const entry = strayQuoteEntry(path, error);
      if (entry === undefined) parser.destroy(brokenQuotes(path, lastLine + 1, error));
      else strayQuotes.push(entry);
      return undefined;
    },
  });
  return parser;
}

/** A quote in the middle of a bare field: only this row is in doubt, the parser goes on with the next line. */
function strayQuoteEntry(path: string, error: CsvError | undefined): CorpusEntry | undefined {
  if (error === undefined || !String(error.code).endsWith('INVALID_OPENING_QUOTE'))
    return undefined;
  const place = { file: basename(path), line: Number(error['lines']) };
  const reason = 'a quote inside a field that does not begin with one; quote the whole field';
  return rejectEntry(place, { column: null, code: 'stray-quote', reason, excerpt: '' });
}

/** Any other fault makes the parser swallow the lines that follow, so nothing after it can be trusted. */
function brokenQuotes(path: string, line: number, error: CsvError | undefined): BrokenQuotesError {
  const code = error?.code;
  if (code === 'CSV_QUOTE_NOT_CLOSED') {
    return new BrokenQuotesError(path, line, 'its quote is never closed');
  }
  if (code === 'CSV_MAX_RECORD_SIZE') {
    return new BrokenQuotesError(path, line, `longer than ${maxRecordBytes} bytes`);
  }
  return new BrokenQuotesError(path, line, error?.message ?? 'cannot be parsed');
}

function readHeader(
  path: string,
  record: ParsedRecord,
  columns: CorpusColumns | 'all',
  start: number,
): Header {
  const names = record.fields.map((field) => {
    const decoded = decodeUtf8(field);
    if (decoded.valid) return decoded.text.trim();
    throw new NotUtf8Error(path, start + record.offset, `header holds "${decoded.replaced}"`);
  });
  const positions = new Map<string, number>();
  const wanted =
    columns === 'all'
      ? names.map((column) => ({ role: 'text', column, required: true }))
      : wantedColumns(columns, names);
  for (const { role, column, required } of wanted) {
    const times = names.filter((name) => name === column).length;
    if (times > 1 || (times === 0 && required)) throw new ColumnError(path, role, column, names);
    if (times === 1) positions.set(column, names.indexOf(column));
  }
  return { width: names.length, positions };
}

function toRawRow(
  file: string,
  record: ParsedRecord,
  header: Header,
  start: number,
): RawRow | CorpusEntry {
  const { fields, line } = record;
  if (fields.length !== header.width) {
    const reason = `${fields.length} fields instead of ${header.width}`;
    const excerpt = excerptOf(Buffer.concat(fields.flatMap((field) => [field, comma])).toString());
    return rejectEntry({ file, line }, { column: null, code: 'field-count', reason, excerpt });
  }
  const values: Record<string, string> = {};
  for (const [column, position] of header.positions) {
    const decoded = decodeUtf8(fields[position] ?? comma);
    if (!decoded.valid) {
      const reason = `not UTF-8, behind byte ${start + record.offset} of the file`;
      const excerpt = excerptOf(decoded.replaced);
      return rejectEntry({ file, line }, { column, code: 'bad-utf8', reason, excerpt });
    }
    values[column] = decoded.text;
  }
  return { file, line, values };
}

/** Stray quotes are seen while the parser runs ahead; this puts them back into the order of the file. */
function* takeBefore(entries: CorpusEntry[], line: number): Generator<CorpusEntry, void, void> {
  for (let first = entries[0]; first !== undefined; first = entries[0]) {
    if (first.type === 'reject' && first.reject.line > line) return;
    entries.shift();
    yield first;
  }
}

function lineBreaksIn(fields: readonly Buffer[]): number {
  return fields.reduce(
    (sum, field) => sum + (field.includes(lineFeed) ? countBreaks(field) : 0),
    0,
  );
}

function countBreaks(field: Buffer): number {
  return field.reduce((count, byte) => count + (byte === lineFeed ? 1 : 0), 0);
}

/** Stops an unclosed quote from drawing a whole large file into memory. */
const maxRecordBytes = 64 * 1024 * 1024;
const lineFeed = 0x0a;
const comma = Buffer.from(',');
