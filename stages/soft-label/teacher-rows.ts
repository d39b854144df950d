import { Failure } from '#cache/failure.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { type ExampleKeys, readExampleKeys } from '#datasets/examples.ts';
import { rowIndexOf } from '#datasets/row-index.ts';
import { readTokens, type TokenTable } from '#datasets/tokens.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';

/** One row of the corpus as the teacher will see it. */
export interface TeacherRow {
  readonly exampleId: string;
  readonly split: Split;
  readonly sourceId: string | null;
  /** For messages about the row, never for the teacher; null where the store keeps no texts. */
  readonly text: string | null;
  readonly tokenIds: Int32Array;
  readonly typeIds: Int32Array | null;
  /** What the decoder reads, where a target is given; `answers` are places in it. */
  readonly targetIds?: Int32Array | undefined;
  /** Of a task with an answer for each word or token; left out where the example has one. */
  readonly answers?: RowAnswers | undefined;
}

/** Which tokens of a row are answered for. */
export interface RowAnswers {
  /** Places in `tokenIds`, or in `targetIds` where there are any. */
  readonly at: Int32Array;
  /** What each answer is called in the cache. */
  readonly positions: Int32Array;
}

/** How many rows of soft labels an example has. */
export function answerCount({ answers }: Pick<TeacherRow, 'answers'>): number {
  return answers?.at.length ?? 1;
}

/** Tokens in the longer of the two texts that a model pads: batches are formed by it. */
export function longestOf({
  tokenIds,
  targetIds,
}: Pick<TeacherRow, 'tokenIds' | 'targetIds'>): number {
  return Math.max(tokenIds.length, targetIds?.length ?? 0);
}

/** The whole corpus: rows of each split in corpus order. */
export interface TeacherCorpus {
  readonly rows: Readonly<Record<Split, readonly TeacherRow[]>>;
  readonly tokenizerDigest: string;
  readonly maxLength: number;
  /** Is there an answer for each word or token? */
  readonly perToken: boolean;
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

/** Joins examples and tokens by example id, for all splits. */
export async function readTeacherCorpus(
  context: StageContext<unknown>,
  maxLength: number,
): Promise<TeacherCorpus> {
  const splits = await Promise.all(SPLITS.map((split) => readSplit(context, split)));
  const [train, validation, test] = splits;
  if (train === undefined || validation === undefined || test === undefined) {
    throw new RangeError('a split is missing');
  }
  const { tokenizerDigest } = train;
  if (splits.some((split) => split.tokenizerDigest !== tokenizerDigest)) {
    throw new TokensMismatchError('the splits were tokenised by different tokenizers');
  }
  if (splits.some((split) => split.perToken !== train.perToken)) {
    throw new TokensMismatchError('the splits were tokenised for different tasks');
  }
  const longest = Math.max(...splits.map((split) => split.maxLength));
  if (longest > maxLength) {
    throw new TokensMismatchError(`cut at ${longest} tokens, but maxLength is ${maxLength}`);
  }
  return {
    rows: { train: train.rows, validation: validation.rows, test: test.rows },
    tokenizerDigest,
    maxLength: longest,
    perToken: train.perToken,
  };
}

async function readSplit(context: StageContext<unknown>, split: Split) {
  const [examples, tokens] = await Promise.all([
    readExampleKeys(inputOf(context, `inputs/${split}`)),
    readTokens(inputOf(context, `tokens/teacher/${split}`)),
  ]);
  const index = rowIndexOf(tokens.exampleIds, `tokens/teacher/${split}`);
  const { exampleIds: _sameIds, tokenizerDigest, maxLength, ...lists } = tokens;
  const tables = { examples, tokens: lists };
  const rows = examples.exampleIds.map((exampleId, row): TeacherRow => {
    return new TableRow(split, tables, { row, tokenRow: index.rowOf(exampleId) });
  });
  const perToken = tokens.answers !== undefined;
  // An example that asks for nothing, such as one of a single token in a language model, has no rows.
  return { rows: rows.filter(answerCount), tokenizerDigest, maxLength, perToken };
}

interface SplitTables {
  readonly examples: ExampleKeys;
  readonly tokens: Pick<TokenTable, 'offsets' | 'tokenIds' | 'typeIds' | 'targets' | 'answers'>;
}

/** A row as a place in the tables of its split: objects for all that it has would take ten times as much. */
class TableRow implements TeacherRow {
  readonly split: Split;
  readonly #tables: SplitTables;
  readonly #row: number;
  readonly #tokenRow: number;

  constructor(split: Split, tables: SplitTables, place: { row: number; tokenRow: number }) {
    this.split = split;
    this.#tables = tables;
    this.#row = place.row;
    this.#tokenRow = place.tokenRow;
  }

  get exampleId(): string {
    return this.#tables.examples.exampleIds[this.#row] ?? '';
  }

  get sourceId(): string | null {
    return this.#tables.examples.sourceIds[this.#row] ?? null;
  }

  get text(): string | null {
    return this.#tables.examples.textAt(this.#row);
  }

  get tokenIds(): Int32Array {
    const { offsets, tokenIds } = this.#tables.tokens;
    return listAt(tokenIds, offsets, this.#tokenRow);
  }

  get typeIds(): Int32Array | null {
    const { offsets, typeIds } = this.#tables.tokens;
    return typeIds && listAt(typeIds, offsets, this.#tokenRow);
  }

  get targetIds(): Int32Array | undefined {
    const { targets } = this.#tables.tokens;
    return targets && listAt(targets.ids, targets.offsets, this.#tokenRow);
  }

  get answers(): RowAnswers | undefined {
    const { answers } = this.#tables.tokens;
    if (answers === undefined) return undefined;
    const { offsets, at, positions } = answers;
    return {
      at: listAt(at, offsets, this.#tokenRow),
      positions: listAt(positions, offsets, this.#tokenRow),
    };
  }
}

function listAt(values: Int32Array, offsets: Int32Array, row: number): Int32Array {
  return values.subarray(offsets[row], offsets[row + 1]);
}
