import { join } from 'node:path';
import { IntFile, type IntList } from '#datasets/int-list.ts';
import type { ColumnSpec, ListColumn } from '#datasets/parquet/columns.ts';
import { CorruptParquetError, ParquetValueError } from '#datasets/parquet/errors.ts';
import {
  inMemory,
  joinLists,
  type KeptLists,
  type ListParts,
  within,
} from '#datasets/soft-labels/kept-lists.ts';
import { eachGroup, readGroups, type TableFormat, writeTable } from '#datasets/table-file.ts';

/** Token ids of every example of one split under one tokenizer. */
export interface TokenTable<Ids = Int32Array> {
  readonly exampleIds: readonly string[];
  /** rows + 1; example r is `tokenIds[offsets[r] .. offsets[r + 1]]`. */
  readonly offsets: Int32Array;
  readonly tokenIds: Ids;
  /** Parallel to `tokenIds`; null where the examples are not pairs. */
  readonly typeIds: Ids | null;
  /** 1 where the text did not fit into `maxLength`. */
  readonly truncated: Uint8Array;
  /** What a decoder reads, where the target of a text is given. */
  readonly targets?: TargetTokens;
  /** Of tasks with an answer for each word or token; left out where an example has one. */
  readonly answers?: TokenAnswers;
  /** Of texts that are read in windows: where each window of an example ends among its tokens. */
  readonly windowEnds?: ListColumn<Int32Array>;
  readonly tokenizerDigest: string;
  /** In tokens, special ones included. */
  readonly maxLength: number;
}

/** Decoder inputs of every example: the target, moved right by one. */
export interface TargetTokens {
  /** rows + 1; example r is `ids[offsets[r] .. offsets[r + 1]]`. */
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
}

/** Which tokens of each example a teacher answers for. */
export interface TokenAnswers {
  /** rows + 1; the answers of example r are `offsets[r] .. offsets[r + 1]`. */
  readonly offsets: Int32Array;
  /** Places among the tokens of the example, or of its target where there is one, from 0, ascending. */
  readonly at: Int32Array;
  /** Parallel to `at`: what an answer is called in the cache, ascending (the number of the word, or of the token). */
  readonly positions: Int32Array;
  /** Parallel to `at`: the token that is right there; of language models only. */
  readonly originals?: Int32Array;
}

/** Writes `tokens.parquet`. */
export async function writeTokens(folder: string, table: TokenTable): Promise<void> {
  const { exampleIds, truncated } = table;
  const path = pathIn(folder);
  checkLengths(path, table);
  const lists = listsOf(table);
  await writeTable(path, formatOf(lists), {
    rowCount: exampleIds.length,
    metadata: { [TOKENIZER_KEY]: table.tokenizerDigest, [LENGTH_KEY]: String(table.maxLength) },
    slice: (from, to) => ({
      example_id: exampleIds.slice(from, to),
      ...Object.fromEntries(
        lists.map(({ name, offsets, values }) => [name, sliceList(offsets, values, from, to)]),
      ),
      truncated: Int32Array.from(truncated.subarray(from, to)),
    }),
  });
}

/** A column of lists of the whole table. */
interface ListOfAll extends ListColumn<Int32Array> {
  readonly name: (typeof LISTS)[number];
}

/** Which columns a table has depends on what its examples are. */
function listsOf({
  offsets,
  tokenIds,
  typeIds,
  targets,
  answers,
  windowEnds,
}: TokenTable): ListOfAll[] {
  const list = (name: ListOfAll['name'], at: Int32Array, values: Int32Array | null | undefined) =>
    values ? [{ name, offsets: at, values }] : [];
  return [
    ...list('token_ids', offsets, tokenIds),
    ...list('type_ids', offsets, typeIds),
    ...(targets ? list('target_ids', targets.offsets, targets.ids) : []),
    ...(answers ? list('answer_at', answers.offsets, answers.at) : []),
    ...(answers ? list('answer_positions', answers.offsets, answers.positions) : []),
    ...(answers ? list('original_ids', answers.offsets, answers.originals) : []),
    ...(windowEnds ? list('window_ends', windowEnds.offsets, windowEnds.values) : []),
  ];
}

function sliceList(
  offsets: Int32Array,
  values: Int32Array,
  from: number,
  to: number,
): ListColumn<Int32Array> {
  return {
    values: values.subarray(offsets[from], offsets[to]),
    offsets: offsets.subarray(from, to + 1),
  };
}

/** A table whose token ids may lie in a file. */
export type StoredTokens = TokenTable<IntList>;

/** Reads what `writeTokens` wrote, in the same order. */
export function readTokens(folder: string): Promise<TokenTable> {
  return readTable(folder, inMemory);
}

/** The same, but token ids of more than `limitBytes` go into a file in `spill`. Close it with `closeTokens`. */
export function readTokensWithin(
  folder: string,
  { limitBytes, spill }: { readonly limitBytes: number; readonly spill: string },
): Promise<StoredTokens> {
  return readTable(folder, within(limitBytes, spill));
}

/** Closes the files of a table that has any. */
export function closeTokens({ tokenIds, typeIds }: StoredTokens): void {
  for (const ids of [tokenIds, typeIds]) if (ids instanceof IntFile) ids.close();
}

async function readTable<Ids extends IntList>(
  folder: string,
  keep: (parts: ListParts) => Promise<KeptLists<Ids>>,
): Promise<TokenTable<Ids>> {
  const path = pathIn(folder);
  const { groups, columns, metadata } = await readGroups(path, READ_FORMAT, {
    without: LONG_LISTS,
  });
  const requireLike = (name: string, offsets: Int32Array, like: Int32Array) => {
    if (!like.some((offset, row) => offset !== offsets[row])) return;
    throw new CorruptParquetError(
      path,
      `the lists of ${name} are not as long as those beside them`,
    );
  };
  const list = (name: ListOfAll['name'], like?: ListColumn<Int32Array>) => {
    if (!columns.has(name)) return undefined;
    const column = joinLists(groups.map((group) => group.listInt32(name)));
    if (like !== undefined) requireLike(name, column.offsets, like.offsets);
    return column;
  };
  const tokens = await keep(partsOf(path, 'token_ids'));
  const types = columns.has('type_ids') ? await keep(partsOf(path, 'type_ids')) : null;
  if (types !== null) requireLike('type_ids', types.offsets, tokens.offsets);
  const [targets, at] = [list('target_ids'), list('answer_at')];
  const originals = list('original_ids', at);
  const windowEnds = list('window_ends');
  return {
    ...(targets && { targets: { offsets: targets.offsets, ids: targets.values } }),
    ...(at && {
      answers: {
        offsets: at.offsets,
        at: at.values,
        positions: (list('answer_positions', at) ?? NO_LISTS).values,
        ...(originals && { originals: originals.values }),
      },
    }),
    ...(windowEnds && { windowEnds }),
    exampleIds: groups.flatMap((group) => group.texts('example_id')),
    offsets: tokens.offsets,
    tokenIds: tokens.values,
    typeIds: types?.values ?? null,
    truncated: Uint8Array.from(groups.flatMap((group) => Array.from(group.int32('truncated')))),
    ...provenanceOf(path, metadata),
  };
}

function partsOf(path: string, column: ListOfAll['name']): ListParts {
  return async (take) => {
    const wants = (name: string) => name === column;
    await eachGroup(path, READ_FORMAT, (group) => take(group.listInt32(column)), { wants });
  };
}

function provenanceOf(path: string, metadata: Readonly<Record<string, string>>) {
  const { [TOKENIZER_KEY]: tokenizerDigest, [LENGTH_KEY]: maxLength } = metadata;
  if (tokenizerDigest !== undefined && Number(maxLength) > 0) {
    return { tokenizerDigest, maxLength: Number(maxLength) };
  }
  throw new CorruptParquetError(path, `the footer lacks ${TOKENIZER_KEY} or ${LENGTH_KEY}`);
}

function checkLengths(path: string, table: TokenTable): void {
  const rowCount = table.exampleIds.length;
  requireLength(path, 'truncated', table.truncated.length, rowCount);
  for (const { name, offsets, values } of listsOf(table)) {
    if (offsets[0] !== 0) throw new ParquetValueError(path, 'offsets', 'do not begin at 0');
    requireLength(path, `offsets of ${name}`, offsets.length, rowCount + 1);
    requireLength(path, name, values.length, offsets[rowCount] ?? Number.NaN);
  }
}

function requireLength(path: string, name: string, found: number, wanted: number): void {
  if (found !== wanted) throw new ParquetValueError(path, name, `${found} values, not ${wanted}`);
}

/** A reader asks for what is always there; the other columns tell by being there. */
function formatOf(lists: readonly Pick<ListOfAll, 'name'>[]): TableFormat {
  return {
    name: 'tokens',
    formatVersion: 1,
    columns: [
      { name: 'example_id', type: 'utf8' },
      ...lists.map(({ name }): ColumnSpec => ({ name, type: 'list<int32>' })),
      { name: 'truncated', type: 'int32' },
    ],
  };
}

function pathIn(folder: string): string {
  return join(folder, 'tokens.parquet');
}

const LISTS = [
  'token_ids',
  'type_ids',
  'target_ids',
  'answer_at',
  'answer_positions',
  'original_ids',
  'window_ends',
] as const;
/** Lists that are as long as the texts. */
const LONG_LISTS: readonly string[] = ['token_ids', 'type_ids'];
const READ_FORMAT = formatOf([{ name: 'token_ids' }]);
const NO_LISTS: ListColumn<Int32Array> = { offsets: Int32Array.of(0), values: new Int32Array() };
const TOKENIZER_KEY = 'decant.tokenizer_digest';
const LENGTH_KEY = 'decant.max_length';
