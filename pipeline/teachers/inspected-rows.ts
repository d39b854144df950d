import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { CorpusRow } from '#datasets/corpus/corpus-row.ts';
import { openCorpus } from '#datasets/corpus/open-corpus.ts';
import type { FeatureRow, TensorShape } from '#datasets/features.ts';
import { isLanguageModel, isValueTask, type Task } from '#datasets/task.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import { loadConfig } from '#pipeline/config/config.ts';
import type { ProjectOptions } from '#pipeline/project.ts';
import { shapesOfRows, tensorColumnsOf } from '#stages/prepare/features.ts';
import { corpusColumnsOf } from '#stages/prepare/read-corpus.ts';

/** A text to show a teacher, with the label that the corpus gives it. */
export interface InspectedRow {
  readonly text: string;
  readonly textPair: string | null;
  readonly label: string | null;
  /** Of a tagger: the sentence, and the number of the word that is asked about. */
  readonly words?: readonly string[];
  readonly word?: number;
  /** Tensors of the row by model input. */
  readonly features?: FeatureRow;
}

/** Texts, and where they come from. */
export interface InspectedRows {
  readonly source: 'validation' | 'train' | 'built-in';
  readonly rows: readonly InspectedRow[];
}

/** The configuration of the folder, or undefined where nobody named one and there is none. */
export function configBeside(options: ProjectOptions): LoadedConfig | undefined {
  const file = options.config ?? process.env['DECANT_CONFIG'] ?? DEFAULT_FILE;
  if (file === DEFAULT_FILE && !existsSync(file)) return undefined;
  return loadConfig({ file, environment: process.env, set: options.set ?? [] });
}

/**
 * At most a thousand labelled rows, evenly taken, of the split that students are chosen by; of a tagger, words;
 * of tasks without one class a row any rows, and no labels.
 */
export async function inspectedRows(
  loaded: LoadedConfig | undefined,
  task: Task,
): Promise<InspectedRows> {
  const builtIn = task === 'token-classification' ? BUILT_IN_WORDS : BUILT_IN;
  if (loaded === undefined) return builtIn;
  const { corpus } = loaded.config;
  const columns = corpusColumnsOf({ task, ...corpus });
  const named = corpus.validation;
  const isNamed = typeof named === 'string' || Array.isArray(named);
  const files = [isNamed ? named : corpus.train].flat();
  const rows: InspectedRow[] = [];
  for (const file of files) {
    for await (const entry of openCorpus(resolve(loaded.folder, file), columns, task)) {
      if (entry.type !== 'row') continue;
      if (entry.row.words !== undefined) rows.push(...wordsIn(entry.row));
      // A text of a language model is its own label.
      else if (isLanguageModel(task)) rows.push({ ...entry.row, textPair: null, label: null });
      else if (entry.row.label !== null || isValueTask(task)) rows.push(shownAs(entry.row));
    }
  }
  if (rows.length === 0) return builtIn;
  return { source: isNamed ? 'validation' : 'train', rows: evenly(rows, MOST_ROWS) };
}

/** A row without a text is shown as its place in the corpus. */
function shownAs(row: CorpusRow): InspectedRow {
  return row.text === '' ? { ...row, text: `${basename(row.file)}:${row.line}` } : row;
}

/** Shapes of the tensors of the configuration: as they are set, else as many values as these rows have. */
export function shapesOf(
  loaded: LoadedConfig | undefined,
  { rows }: InspectedRows,
): Record<string, TensorShape> | undefined {
  const tensors = tensorColumnsOf(loaded?.config.corpus.columns.tensors);
  return tensors && shapesOfRows(tensors, rows);
}

/** Labelled words of a sentence, but for those outside of all entities: who says O everywhere knows nothing. */
function wordsIn({ words = [], tags = [] }: CorpusRow): InspectedRow[] {
  return [...words.keys()].flatMap((word): InspectedRow[] => {
    const label = tags[word] ?? null;
    return label === null || label === 'O' ? [] : [{ ...inSentence(words, word), label }];
  });
}

function inSentence(words: readonly string[], word: number): Omit<InspectedRow, 'label'> {
  return { text: `${words[word] ?? ''} in: ${words.join(' ')}`, textPair: null, words, word };
}

/** So many of a list, from all over it: corpora often lie sorted by label. */
export function evenly<T>(items: readonly T[], count: number): T[] {
  const taken = Math.min(count, items.length);
  return Array.from(
    { length: taken },
    (_, index) => items[Math.floor((index * items.length) / taken)],
  ).filter((item) => item !== undefined);
}

const DEFAULT_FILE = 'decant.yaml';
const MOST_ROWS = 1000;

const SENTENCES = [
  'I love this, it works better than I hoped.',
  'The parcel came two weeks late and the box was broken.',
  'How do I change the address of my account?',
  'The meeting was moved to Thursday at ten.',
  'Two people were hurt when a bus left the road near the station.',
  'Click here to claim your free prize now!!!',
  'The new phone has a brighter screen and a smaller battery.',
  'ok',
];

const BUILT_IN: InspectedRows = {
  source: 'built-in',
  rows: SENTENCES.map((text) => ({ text, textPair: null, label: null })),
};

const BUILT_IN_WORDS: InspectedRows = {
  source: 'built-in',
  rows: SENTENCES.map((sentence) => {
    const words = sentence.split(' ');
    return { ...inSentence(words, Math.floor(words.length / 2)), label: null };
  }),
};
