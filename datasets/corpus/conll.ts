import { basename } from 'node:path';
import { openBytes } from './byte-source.ts';
import { type CorpusEntry, type RawRow, rejectEntry } from './corpus-row.ts';
import { type Line, linesOf } from './lines.ts';
import { excerptOf, type Reject } from './reject.ts';
import { decodeUtf8 } from './strict-utf8.ts';

/** Which columns of a file of one word a line are read, counted from 1. */
export interface ConllColumns {
  /** Default: the first. */
  readonly word: number | undefined;
  /** Default: the last; a file of one column has words without tags. */
  readonly tag: number | undefined;
}

/**
 * Sentences of a CoNLL file: one word a line, its tag behind it, a blank line between sentences. Columns stand
 * between tabs where the first word's line has one, else between spaces. A row has its words under `tokens`
 * and its tags under `labels`; a sentence with a line that cannot be read is a reject as a whole.
 */
export async function* readConll(
  path: string,
  columns: ConllColumns,
): AsyncGenerator<RawRow | CorpusEntry, void, void> {
  const file = basename(path);
  const { start, chunks } = await openBytes(path);
  let layout: Layout | undefined;
  let open: Sentence | undefined;
  for await (const line of linesOf(chunks)) {
    const text = decodeUtf8(line.bytes);
    if (text.valid && isBetweenSentences(text.text)) {
      if (open !== undefined) yield entryOf(file, open);
      open = undefined;
      continue;
    }
    layout ??= layoutOf(text.valid ? text.text : text.replaced, columns);
    if (text.valid && isComment(text.text, layout)) continue;
    open ??= { line: line.line, tokens: [], labels: [], fault: null };
    if (text.valid) addWord(open, text.text, line, layout);
    else open.fault ??= badBytes(line, start + line.offset + text.badByte, text.replaced);
  }
  if (open !== undefined) yield entryOf(file, open);
}

interface Layout {
  readonly separator: '\t' | ' ';
  /** Columns of every line. */
  readonly width: number;
  /** From 0. */
  readonly word: number;
  readonly tag: number;
}

interface Sentence {
  readonly line: number;
  readonly tokens: string[];
  readonly labels: (string | null)[];
  fault: Fault | null;
}

type Fault = Pick<Reject, 'line' | 'column' | 'code' | 'reason' | 'excerpt'>;

/** Also a line of separators alone, as some writers put between sentences. */
function isBetweenSentences(text: string): boolean {
  return /^[ \t\r]*$/.test(text) || /^-DOCSTART-([ \t]|$)/.test(text);
}

/** `# sent_id = 3`: a word of a file with several columns would have a tag behind it. */
function isComment(text: string, { separator, width }: Layout): boolean {
  return separator === '\t' && width > 1 && text.startsWith('# ') && !text.includes('\t');
}

function layoutOf(text: string, { word, tag }: ConllColumns): Layout {
  const separator = text.includes('\t') ? '\t' : ' ';
  const width = fieldsOf(text, separator).length;
  return { separator, width, word: (word ?? 1) - 1, tag: (tag ?? width) - 1 };
}

function fieldsOf(text: string, separator: Layout['separator']): string[] {
  const line = text.replace(/\r$/, '');
  return separator === '\t' ? line.split('\t') : line.trim().split(/ +/);
}

function addWord(sentence: Sentence, text: string, { line }: Line, layout: Layout): void {
  const { separator, width, word, tag } = layout;
  const fields = fieldsOf(text, separator);
  const [token, label] = [fields[word], fields[tag]];
  if (fields.length !== width || token === undefined || label === undefined) {
    const wanted = Math.max(width, word + 1, tag + 1);
    const reason = `${fields.length} columns instead of ${wanted}`;
    sentence.fault ??= {
      line,
      column: null,
      code: 'field-count',
      reason,
      excerpt: excerptOf(text),
    };
    return;
  }
  sentence.tokens.push(token);
  sentence.labels.push(tag === word || label.trim() === '' ? null : label);
}

function badBytes({ line }: Line, byte: number, replaced: string): Fault {
  const reason = `not UTF-8 at byte ${byte} of the file`;
  return { line, column: null, code: 'bad-utf8', reason, excerpt: excerptOf(replaced) };
}

function entryOf(file: string, { line, tokens, labels, fault }: Sentence): RawRow | CorpusEntry {
  if (fault !== null) return rejectEntry({ file, line: fault.line }, fault);
  return { file, line, values: { tokens, labels } };
}
