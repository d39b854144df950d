import { Failure } from '#cache/failure.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { type ExampleKeys, readExampleKeys } from '#datasets/examples.ts';
import { featureRow, shapesOf } from '#datasets/feature-rows.ts';
import {
  type FeatureRow,
  type FeatureTable,
  featuresInOrder,
  readFeaturesIfAny,
} from '#datasets/features.ts';
import { rowIndexOf } from '#datasets/row-index.ts';
import { readTokens, type TokenTable } from '#datasets/tokens/tokens.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { tensorSteps } from './tensor-steps.ts';

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
  /** Of a text that is read in windows: which one of how many this row is. */
  readonly window?: { readonly index: number; readonly of: number };
  /** Tensors of the row by model input, where the corpus has any. */
  readonly features?: FeatureRow | undefined;
  /** Of rows with tensors and no text: what stands in for the number of tokens. */
  readonly steps?: number | undefined;
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

/** What a row costs, in tokens: those of the longer of the two texts that a model pads, or what stands in for them. */
export function rowLength({
  tokenIds,
  targetIds,
  steps,
}: Pick<TeacherRow, 'tokenIds' | 'targetIds' | 'steps'>): number {
  return steps ?? Math.max(tokenIds.length, targetIds?.length ?? 0);
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
  const inputs = inputOf(context, `inputs/${split}`);
  const [examples, tokens, tensors] = await Promise.all([
    readExampleKeys(inputs),
    readTokens(inputOf(context, `tokens/teacher/${split}`)),
    readFeaturesIfAny(inputs),
  ]);
  const index = rowIndexOf(tokens.exampleIds, `tokens/teacher/${split}`);
  const { exampleIds: _sameIds, tokenizerDigest, maxLength, windowEnds, ...lists } = tokens;
  const features = tensors && featuresInOrder(tensors, examples.exampleIds);
  const tables = { examples, tokens: lists, features };
  const rows = examples.exampleIds.flatMap((exampleId, row): TeacherRow[] => {
    const place = { row, tokenRow: index.rowOf(exampleId) };
    if (windowEnds === undefined) return [new TableRow(split, tables, place)];
    const ends = listAt(windowEnds.values, windowEnds.offsets, place.tokenRow);
    return Array.from(
      ends,
      (_, window) => new WindowRow(split, tables, { ...place, ends, window }),
    );
  });
  const perToken = tokens.answers !== undefined;
  const perWindow = windowEnds !== undefined;
  // An example that asks for nothing, such as one of a single token in a language model, has no rows.
  return { split, rows: rows.filter(answerCount), tokenizerDigest, maxLength, perToken, perWindow };
}

interface SplitTables {
  readonly examples: ExampleKeys;
  readonly tokens: Pick<TokenTable, 'offsets' | 'tokenIds' | 'typeIds' | 'targets' | 'answers'>;
  /** In the order of the examples. */
  readonly features: FeatureTable | undefined;
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

  get features(): FeatureRow | undefined {
    const { features } = this.#tables;
    return features && featureRow(features, this.#row);
  }

  get steps(): number | undefined {
    const { features } = this.#tables;
    if (features === undefined || this.tokenIds.length > 0) return undefined;
    return tensorSteps(shapesOf(features), featureRow(features, this.#row));
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

/** One window of such a row: a part of its tokens. */
class WindowRow extends TableRow {
  readonly window: { readonly index: number; readonly of: number };
  readonly #from: number;
  readonly #end: number;

  constructor(
    split: Split,
    tables: SplitTables,
    place: { row: number; tokenRow: number; ends: Int32Array; window: number },
  ) {
    super(split, tables, place);
    const { ends, window } = place;
    this.window = { index: window, of: ends.length };
    this.#from = ends[window - 1] ?? 0;
    this.#end = ends[window] ?? 0;
  }

  override get tokenIds(): Int32Array {
    return super.tokenIds.subarray(this.#from, this.#end);
  }

  override get typeIds(): Int32Array | null {
    return super.typeIds?.subarray(this.#from, this.#end) ?? null;
  }
}

function listAt(values: Int32Array, offsets: Int32Array, row: number): Int32Array {
  return values.subarray(offsets[row], offsets[row + 1]);
}
