import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Files beside the user's file whose names say what they are for. */
export interface Siblings {
  readonly validation?: string;
  readonly test?: string;
  /** More rows to learn from, without labels. */
  readonly unlabelled: readonly string[];
}

/**
 * Finds `validation`, `dev`, `test` and `unlabelled` files of the same corpus: `train.csv` goes with
 * `test.jsonl`, `intents-train.csv` with `intents-test.csv`, and neither with the other's.
 */
export function siblingsOf(path: string): Siblings {
  const folder = dirname(path);
  const own = nameParts(path);
  const files = readdirSync(folder)
    .filter((name) => name !== basename(path) && CORPUS_FILE.test(name))
    .sort()
    .map((name) => ({ path: join(folder, name), ...nameParts(name) }))
    .filter(({ corpus }) => corpus === own.corpus);
  const first = (part: Part) => files.find((file) => file.part === part)?.path;
  const [validation, test] = [first('validation'), first('test')];
  const unlabelled = files.filter(({ part }) => part === 'unlabelled').map((file) => file.path);
  return {
    ...(validation !== undefined && { validation }),
    ...(test !== undefined && { test }),
    unlabelled,
  };
}

type Part = 'train' | 'validation' | 'test' | 'unlabelled';

/** `intents-dev.csv` is the validation part of the corpus `intents`. */
function nameParts(path: string): { readonly corpus: string; readonly part: Part | undefined } {
  const words = basename(path)
    .toLowerCase()
    .replace(CORPUS_FILE, '')
    .split(/[^a-z0-9]+/);
  const part = words.map((word) => PART_WORDS.get(word)).find((one) => one !== undefined);
  return { corpus: words.filter((word) => !PART_WORDS.has(word)).join('-'), part };
}

const CORPUS_FILE = /\.(csv|tsv|jsonl|ndjson|conll|annotated|bio|iob2?)(\.gz)?$/i;
const PART_WORDS: ReadonlyMap<string, Part> = new Map([
  ...(['train', 'training', 'labelled', 'labeled'] as const).map(
    (word) => [word, 'train'] as const,
  ),
  ...(['validation', 'valid', 'val', 'dev'] as const).map((word) => [word, 'validation'] as const),
  ...(['test', 'heldout', 'eval'] as const).map((word) => [word, 'test'] as const),
  ...(['unlabelled', 'unlabeled'] as const).map((word) => [word, 'unlabelled'] as const),
]);
