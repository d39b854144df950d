import type { CorpusEntry, RawRow } from '#datasets/corpus/corpus-row.ts';
import { openColumns } from '#datasets/corpus/open-corpus.ts';
import { isConllFile, openWords } from '#datasets/corpus/open-words.ts';
import { leakKeyOf } from '#datasets/example-id.ts';

/** What one column of a corpus file looks like. */
export interface ColumnSurvey {
  readonly name: string;
  /** Rows with a value that is not blank. */
  readonly filled: number;
  /** Different values, counted up to `MOST_VALUES`. */
  readonly distinct: number;
  readonly meanLength: number;
  /** Every value is a number. */
  readonly isNumeric: boolean;
  /** How often each value occurs; only as long as there are few different ones. */
  readonly values: ReadonlyMap<string, number>;
}

export interface FileSurvey {
  readonly path: string;
  readonly rows: number;
  /** Lines that are no rows. */
  readonly rejects: number;
  readonly columns: readonly ColumnSurvey[];
}

/** Reads a whole corpus file once and looks at every column. */
export async function surveyFile(path: string): Promise<FileSurvey> {
  const columns = new Map<string, GrowingColumn>();
  let rows = 0;
  let rejects = 0;
  for await (const found of rowsIn(path)) {
    if ('type' in found) {
      rejects += 1;
      continue;
    }
    rows += 1;
    for (const [name, value] of Object.entries(found.values)) {
      const column = columns.get(name) ?? new GrowingColumn(name);
      columns.set(name, column);
      // All the tags of a sentence; lists of JSON are no labels.
      column.add(isConllFile(path) ? [value].flat() : [value]);
    }
  }
  return { path, rows, rejects, columns: [...columns.values()].map((one) => one.survey()) };
}

/** What the texts of a file look like, to choose lengths and to tell about duplicates. */
export interface TextSurvey {
  /** Rows whose text another row has too, but for case, accents of form and punctuation. */
  readonly duplicates: number;
  readonly longestCharacters: number;
  /** Evenly taken, at most `SAMPLE_TEXTS`. */
  readonly sample: readonly string[];
}

/** Reads the texts of corpus files. */
export async function surveyTexts(
  files: readonly FileSurvey[],
  textColumns: readonly string[],
): Promise<TextSurvey> {
  const keys = new Set<string>();
  const sample: string[] = [];
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const step = Math.max(1, Math.ceil(rows / SAMPLE_TEXTS));
  let [seen, longestCharacters] = [0, 0];
  for (const { path } of files) {
    for await (const found of rowsIn(path)) {
      if ('type' in found) continue;
      const text = textColumns.map((name) => textOf(found.values[name])).join(' ');
      if (text.trim() === '') continue;
      if (seen % step === 0) sample.push(text);
      seen += 1;
      keys.add(leakKeyOf(text));
      longestCharacters = Math.max(longestCharacters, text.length);
    }
  }
  return { duplicates: seen - keys.size, longestCharacters, sample };
}

/** Rows with their values by column; a sentence of words has its text, and the list of its tags as label. */
async function* rowsIn(path: string): AsyncGenerator<RawRow | CorpusEntry, void, void> {
  if (!isConllFile(path)) {
    yield* openColumns(path);
    return;
  }
  for await (const found of openWords(path, { tokens: 'tokens', labels: 'labels', id: 'id' })) {
    if (found.type === 'reject') yield found;
    else {
      const { file, line, text, tags } = found.row;
      yield { file, line, values: { text, label: tags } };
    }
  }
}

class GrowingColumn {
  readonly #name: string;
  readonly #values = new Map<string, number>();
  #filled = 0;
  #numbers = 0;
  #characters = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** What one row has in the column. */
  add(values: readonly unknown[]): void {
    const texts = values.map(textOf).filter((text) => text !== '');
    if (texts.length === 0) return;
    this.#filled += 1;
    this.#characters += texts.reduce((sum, { length }) => sum + length, 0) / texts.length;
    if (texts.every((text) => Number.isFinite(Number(text)))) this.#numbers += 1;
    for (const text of texts) {
      const known = this.#values.get(text);
      if (known !== undefined || this.#values.size < MOST_VALUES) {
        this.#values.set(text, (known ?? 0) + 1);
      }
    }
  }

  survey(): ColumnSurvey {
    const isFew = this.#values.size < MOST_VALUES;
    return {
      name: this.#name,
      filled: this.#filled,
      distinct: this.#values.size,
      meanLength: this.#filled === 0 ? 0 : this.#characters / this.#filled,
      isNumeric: this.#filled > 0 && this.#numbers === this.#filled,
      values: isFew ? this.#values : new Map(),
    };
  }
}

/** Lists and objects are no text, label or id. */
function textOf(value: unknown): string {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value).trim() : '';
}

/** Keeps the memory of a large file bounded; no classifier has more classes. */
const MOST_VALUES = 20_000;
const SAMPLE_TEXTS = 2000;
