import { Failure } from '#cache/failure.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { openExampleKeys } from '#datasets/examples.ts';
import { openFeaturesIfAny } from '#datasets/features.ts';
import { readAhead } from '#datasets/read-ahead.ts';
import { ROWS_PER_GROUP } from '#datasets/table-file.ts';
import { openTokens } from '#datasets/tokens/tokens.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { rowsOfExample, type StoredRow } from './stored-rows.ts';
import { answerCount } from './teacher-rows.ts';

/** The whole corpus, of which nothing is held: rows are read when they are wanted. */
export interface TeacherCorpus {
  readonly splits: readonly SplitRows[];
  readonly tokenizerDigest: string;
  readonly maxLength: number;
  /** Is there an answer for each word or token? */
  readonly perToken: boolean;
  /** Is a row a window of a text? */
  readonly perWindow: boolean;
}

/** The rows of a split, in corpus order. */
export interface SplitRows {
  readonly split: Split;
  readonly exampleCount: number;
  /** Rows of the examples `from` to `to` (exclusive); those that ask for nothing have none. */
  read(from: number, to: number): Promise<StoredRow[]>;
}

/** Tokens were made for a longer teacher input than is allowed now, or by several tokenizers. */
export class TokensMismatchError extends Failure {
  constructor(problem: string) {
    super(
      'data',
      'E_TOKENS_MISMATCH',
      `tokens for the teacher: ${problem}`,
      'run the pipeline from prepare again: decant run --from prepare',
    );
  }
}

/** Opens examples, tokens and tensors, which are joined by example id. A split that is not among the inputs has no rows. */
export async function openTeacherCorpus(
  context: StageContext<unknown>,
  maxLength: number,
): Promise<TeacherCorpus> {
  const present = SPLITS.filter((split) => context.inputs[`inputs/${split}`] !== undefined);
  const splits = await Promise.all(present.map((split) => openSplit(context, split)));
  const [first] = splits;
  if (first === undefined) throw new RangeError('no split is among the inputs');
  const { tokenizerDigest, perToken, perWindow } = first;
  if (splits.some((split) => split.tokenizerDigest !== tokenizerDigest)) {
    throw new TokensMismatchError('the splits were tokenised by different tokenizers');
  }
  if (splits.some((split) => split.perToken !== perToken || split.perWindow !== perWindow)) {
    throw new TokensMismatchError('the splits were tokenised for different tasks');
  }
  const longest = Math.max(...splits.map((split) => split.maxLength));
  if (longest > maxLength) {
    throw new TokensMismatchError(`cut at ${longest} tokens, but maxLength is ${maxLength}`);
  }
  return { splits, tokenizerDigest, maxLength: longest, perToken, perWindow };
}

/** All rows of a split, block by block: while one is worked on, the next is read. */
export function blocksOf({
  exampleCount,
  read,
}: Pick<SplitRows, 'exampleCount' | 'read'>): AsyncGenerator<StoredRow[]> {
  const count = Math.ceil(exampleCount / ROWS_PER_GROUP);
  const starts = Array.from({ length: count }, (_, block) => block * ROWS_PER_GROUP);
  return readAhead(starts, (from) => read(from, Math.min(from + ROWS_PER_GROUP, exampleCount)));
}

async function openSplit(context: StageContext<unknown>, split: Split) {
  const inputs = inputOf(context, `inputs/${split}`);
  const [keys, tokens, features] = await Promise.all([
    openExampleKeys(inputs),
    openTokens(inputOf(context, `tokens/teacher/${split}`)),
    openFeaturesIfAny(inputs),
  ]);
  const { tokenizerDigest, maxLength, columns } = tokens;
  const read = async (from: number, to: number): Promise<StoredRow[]> => {
    const examples = await keys.rows(from, to);
    const ids = examples.map(({ group, row }) => group.idAt(row));
    const [tokensOf, featuresOf] = await Promise.all([
      tokens.rowsOf(ids, from),
      features?.rowsOf(ids, from),
    ]);
    const rows = examples.flatMap((place, at) => {
      const ofTokens = tokensOf[at];
      if (ofTokens === undefined) return [];
      return rowsOfExample({
        split,
        at: from + at,
        keys: place,
        tokens: ofTokens,
        features: featuresOf?.[at],
      });
    });
    // An example that asks for nothing, such as one of a single token in a language model, has no rows.
    return rows.filter((row) => answerCount(row) > 0);
  };
  return {
    split,
    exampleCount: keys.rowCount,
    read,
    tokenizerDigest,
    maxLength,
    perToken: columns.has('answer_at'),
    perWindow: columns.has('window_ends'),
  };
}
