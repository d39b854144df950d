import { basename } from 'node:path';
import { openBytes } from './byte-source.ts';
import { type CorpusEntry, type RawRow, rejectEntry } from './corpus-row.ts';
import { linesOf } from './lines.ts';
import { excerptOf } from './reject.ts';
import { decodeUtf8 } from './strict-utf8.ts';

/** Rows of a JSON Lines file: one object a line; blank lines are skipped. */
export async function* readJsonl(path: string): AsyncGenerator<RawRow | CorpusEntry, void, void> {
  const file = basename(path);
  const { start, chunks } = await openBytes(path);
  for await (const { bytes, line, offset } of linesOf(chunks)) {
    const entry = parseLine(bytes, { file, line }, start + offset);
    if (entry !== null) yield entry;
  }
}

function parseLine(
  bytes: Buffer,
  place: { readonly file: string; readonly line: number },
  offset: number,
): RawRow | CorpusEntry | null {
  const decoded = decodeUtf8(bytes);
  if (!decoded.valid) {
    const reason = `not UTF-8 at byte ${offset + decoded.badByte} of the file`;
    const excerpt = excerptOf(decoded.replaced);
    return rejectEntry(place, { column: null, code: 'bad-utf8', reason, excerpt });
  }
  return decoded.text.trim() === '' ? null : parseObject(decoded.text, place);
}

function parseObject(
  text: string,
  place: { readonly file: string; readonly line: number },
): RawRow | CorpusEntry {
  const excerpt = excerptOf(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return rejectEntry(place, { column: null, code: 'bad-json', reason, excerpt });
  }
  if (!isObject(value)) {
    const reason = 'not an object: write {"text": ...}';
    return rejectEntry(place, { column: null, code: 'wrong-type', reason, excerpt });
  }
  const repeated = repeatedKey(text, value);
  if (repeated !== undefined) {
    const reason = `key "${repeated}" stands twice`;
    return rejectEntry(place, { column: repeated, code: 'duplicate-key', reason, excerpt });
  }
  return { ...place, values: value };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON.parse keeps the last of two equal keys in silence. Finds one, given text that is known to be valid. */
function repeatedKey(text: string, parsed: Record<string, unknown>): string | undefined {
  const keys = topLevelKeys(text);
  if (keys.length === Object.keys(parsed).length) return undefined;
  const names = keys.map((key) => String(JSON.parse(key)));
  return names.find((name, index) => names.indexOf(name) !== index);
}

/** Keys of the outermost object as they are written, quotes included. */
function topLevelKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let lastString = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      lastString = text.slice(at, end + 1);
      at = end;
    } else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    else if (character === ':' && depth === 1) keys.push(lastString);
  }
  return keys;
}

/** Place of the closing quote. No regular expression: on a text of megabytes its stack overflows. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}
