import { basename } from 'node:path';
import { openBytes } from './byte-source.ts';
import { type CorpusColumns, type CorpusEntry, type RawRow, rejectEntry } from './corpus-row.ts';
import { type Line, linesOf } from './lines.ts';
import { excerptOf } from './reject.ts';
import { decodeUtf8 } from './strict-utf8.ts';

/** Paragraphs of running text: what stands between blank lines, its own line breaks kept as line feeds. */
export async function* readParagraphs(
  path: string,
  columns: CorpusColumns | 'all',
): AsyncGenerator<RawRow | CorpusEntry, void, void> {
  const column = columns === 'all' ? 'text' : (columns.text ?? 'text');
  const file = basename(path);
  const { start, chunks } = await openBytes(path);
  let open: Line[] = [];
  for await (const line of linesOf(chunks)) {
    if (!isBlank(line)) open.push(line);
    else if (open.length > 0) {
      yield toRow(file, column, open, start);
      open = [];
    }
  }
  if (open.length > 0) yield toRow(file, column, open, start);
}

function toRow(
  file: string,
  column: string,
  lines: readonly Line[],
  start: number,
): RawRow | CorpusEntry {
  const [{ line, offset } = { line: 0, offset: 0 }] = lines;
  const decoded = decodeUtf8(Buffer.concat(lines.flatMap(({ bytes }) => [bytes, LINE_FEED])));
  if (decoded.valid) {
    const text = decoded.text.replaceAll('\r\n', '\n').replace(/\n$/, '');
    return { file, line, values: { [column]: text } };
  }
  const reason = `not UTF-8 at byte ${start + offset + decoded.badByte} of the file`;
  const excerpt = excerptOf(decoded.replaced);
  return rejectEntry({ file, line }, { column: null, code: 'bad-utf8', reason, excerpt });
}

/** Nothing but ASCII white space: a line of other spaces is text, as it is for those who count bytes. */
function isBlank({ bytes }: Line): boolean {
  return bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

const LINE_FEED = Buffer.from('\n');
