import type { Task } from '#datasets/task.ts';
import { UnknownCorpusKindError } from './corpus-errors.ts';
import { type CorpusColumns, type CorpusEntry, type RawRow, toCorpusEntry } from './corpus-row.ts';
import { readCsv } from './csv.ts';
import { readIdx } from './idx.ts';
import { readJsonl } from './jsonl.ts';
import { openWords, requireWordsKind } from './open-words.ts';
import { readParagraphs } from './paragraphs.ts';

/** Reads one corpus file row by row: good rows and rejects in the order of the file. */
export async function* openCorpus(
  path: string,
  columns: CorpusColumns,
  task?: Task,
): AsyncGenerator<CorpusEntry, void, void> {
  if (task === 'token-classification') {
    const { tokens = 'tokens', labels = 'labels' } = columns;
    yield* openWords(path, { ...columns, tokens, labels });
    return;
  }
  for await (const found of readerOf(path)(path, columns)) {
    yield 'type' in found ? found : toCorpusEntry(found, columns);
  }
}

/** Reads one corpus file without saying which column is what: every value of every row. */
export function openColumns(path: string): AsyncIterable<RawRow | CorpusEntry> {
  return readerOf(path)(path, 'all');
}

/** Throws when the name of the file does not say what it holds. */
export function requireCorpusKind(path: string, task?: Task): void {
  if (task === 'token-classification') requireWordsKind(path);
  else readerOf(path);
}

type CorpusReader = (
  path: string,
  columns: CorpusColumns | 'all',
) => AsyncIterable<RawRow | CorpusEntry>;

function readerOf(path: string): CorpusReader {
  const name = path.toLowerCase().replace(/\.gz$/, '');
  const kind = Object.keys(readers).find((extension) => name.endsWith(extension));
  const reader = kind === undefined ? undefined : readers[kind];
  if (reader === undefined)
    throw new UnknownCorpusKindError(path, [...Object.keys(readers), WORDS_TOO]);
  return reader;
}

const readers: Readonly<Record<string, CorpusReader>> = {
  '.csv': (path, columns) => readCsv(path, columns, ','),
  '.tsv': (path, columns) => readCsv(path, columns, '\t'),
  '.jsonl': (path) => readJsonl(path),
  '.ndjson': (path) => readJsonl(path),
  '-ubyte': (path) => readIdx(path),
  '.idx': (path) => readIdx(path),
  '.txt': readParagraphs,
};

const WORDS_TOO = '.conll (with task: token-classification)';
