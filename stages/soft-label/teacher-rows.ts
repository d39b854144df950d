import { Failure } from '#cache/failure.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { readExamples } from '#datasets/examples.ts';
import type { ListColumn } from '#datasets/parquet/columns.ts';
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
  /** Of a task with an answer for each word or token; left out where the example has one. */
  readonly answers?: RowAnswers;
  /** Of a text that is read in windows: which one of how many this row is. */
  readonly window?: { readonly index: number; readonly of: number };
}

/** Which tokens of a row are answered for. */
export interface RowAnswers {
  /** Places in `tokenIds`. */
  readonly at: Int32Array;
  /** What each answer is called in the cache. */
  readonly positions: Int32Array;
}

/** How many rows of soft labels an example has. */
export function answerCount({ answers }: Pick<TeacherRow, 'answers'>): number {
  return answers?.at.length ?? 1;
}

/** The whole corpus: rows of each split in corpus order. */
export interface TeacherCorpus {
  readonly rows: Readonly<Record<Split, readonly TeacherRow[]>>;
  readonly tokenizerDigest: string;
  readonly maxLength: number;
  /** Is there an answer for each word or token? */
  readonly perToken: boolean;
  /** Is a row a window of a text? */
  readonly perWindow: boolean;
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

/** Joins examples and tokens by example id. A split that is not among the inputs has no rows. */
export async function readTeacherCorpus(
  context: StageContext<unknown>,
  maxLength: number,
): Promise<TeacherCorpus> {
  const present = SPLITS.filter((split) => context.inputs[`inputs/${split}`] !== undefined);
  const splits = await Promise.all(present.map((split) => readSplit(context, split)));
  const [first] = splits;
  if (first === undefined) throw new RangeError('no split is among the inputs');
  const { tokenizerDigest } = first;
  if (splits.some((split) => split.tokenizerDigest !== tokenizerDigest)) {
    throw new TokensMismatchError('the splits were tokenised by different tokenizers');
  }
  const { perToken, perWindow } = first;
  if (splits.some((split) => split.perToken !== perToken || split.perWindow !== perWindow)) {
    throw new TokensMismatchError('the splits were tokenised for different tasks');
  }
  const longest = Math.max(...splits.map((split) => split.maxLength));
  if (longest > maxLength) {
    throw new TokensMismatchError(`cut at ${longest} tokens, but maxLength is ${maxLength}`);
  }
  const rowsOf = (wanted: Split) => splits.find(({ split }) => split === wanted)?.rows ?? [];
  return {
    rows: { train: rowsOf('train'), validation: rowsOf('validation'), test: rowsOf('test') },
    tokenizerDigest,
    maxLength: longest,
    perToken,
    perWindow,
  };
}

async function readSplit(context: StageContext<unknown>, split: Split) {
  const [examples, tokens] = await Promise.all([
    readExamples(inputOf(context, `inputs/${split}`)),
    readTokens(inputOf(context, `tokens/teacher/${split}`)),
  ]);
  const index = rowIndexOf(tokens.exampleIds, `tokens/teacher/${split}`);
  const rows = examples.flatMap(({ exampleId, sourceId, text }): TeacherRow[] => {
    const row = index.rowOf(exampleId);
    const whole = { exampleId, split, sourceId, text, ...tokensOf(tokens, row) };
    return tokens.windowEnds === undefined ? [whole] : windowsOf(whole, tokens.windowEnds, row);
  });
  const { tokenizerDigest, maxLength } = tokens;
  const perToken = tokens.answers !== undefined;
  const perWindow = tokens.windowEnds !== undefined;
  // An example that asks for nothing, such as one of a single token in a language model, has no rows.
  return { split, rows: rows.filter(answerCount), tokenizerDigest, maxLength, perToken, perWindow };
}

function windowsOf(
  whole: TeacherRow,
  { values, offsets }: ListColumn<Int32Array>,
  row: number,
): TeacherRow[] {
  const ends = values.subarray(offsets[row], offsets[row + 1]);
  return Array.from(ends, (end, index) => ({
    ...whole,
    tokenIds: whole.tokenIds.subarray(ends[index - 1] ?? 0, end),
    typeIds: whole.typeIds?.subarray(ends[index - 1] ?? 0, end) ?? null,
    window: { index, of: ends.length },
  }));
}

function tokensOf(table: TokenTable, row: number) {
  const [from, to] = table.offsets.subarray(row, row + 2);
  const tokens = {
    tokenIds: table.tokenIds.subarray(from, to),
    typeIds: table.typeIds?.subarray(from, to) ?? null,
  };
  if (table.answers === undefined) return tokens;
  const { offsets, at, positions } = table.answers;
  const [first, end] = offsets.subarray(row, row + 2);
  const answers = { at: at.subarray(first, end), positions: positions.subarray(first, end) };
  return { ...tokens, answers };
}
