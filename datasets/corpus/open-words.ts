import { readConll } from './conll.ts';
import { UnknownCorpusKindError } from './corpus-errors.ts';
import type { CorpusEntry, RawRow } from './corpus-row.ts';
import { readJsonl } from './jsonl.ts';
import { toWordEntry, type WordColumns } from './word-row.ts';

/** Reads one file of sentences cut into words, with a tag for each: CoNLL columns, or lists in JSON Lines. */
export async function* openWords(
  path: string,
  columns: WordColumns,
): AsyncGenerator<CorpusEntry, void, void> {
  const isConll = wordsKindOf(path) === 'conll';
  const rows: AsyncIterable<RawRow | CorpusEntry> = isConll
    ? readConll(path, { word: columns.wordColumn, tag: columns.tagColumn })
    : readJsonl(path);
  // A CoNLL file has no names of its own: its rows are called as its reader calls them.
  const names = isConll ? { ...columns, tokens: 'tokens', labels: 'labels' } : columns;
  for await (const found of rows) yield 'type' in found ? found : toWordEntry(found, names);
}

/** Throws when the name of the file does not say how its words are written. */
export function requireWordsKind(path: string): void {
  wordsKindOf(path);
}

/** Does the name of the file say that it has a word a line? `.tsv` and `.txt` may be anything. */
export function isConllFile(path: string): boolean {
  const name = path.toLowerCase().replace(/\.gz$/, '');
  return CERTAIN.some((extension) => name.endsWith(extension));
}

function wordsKindOf(path: string): 'conll' | 'jsonl' {
  const name = path.toLowerCase().replace(/\.gz$/, '');
  if (CONLL.some((extension) => name.endsWith(extension))) return 'conll';
  if (JSONL.some((extension) => name.endsWith(extension))) return 'jsonl';
  throw new UnknownCorpusKindError(path, [...CONLL, ...JSONL]);
}

const CERTAIN = ['.conll', '.annotated', '.bio', '.iob', '.iob2'];
const CONLL = [...CERTAIN, '.tsv', '.txt'];
const JSONL = ['.jsonl', '.ndjson'];
