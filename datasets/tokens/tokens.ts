import { join } from 'node:path';
import { type GroupedTable, idsIn, openGroups, type TableGroup } from '#datasets/grouped-table.ts';
import { IntFile, type IntList } from '#datasets/int-list.ts';
import type { ListColumn } from '#datasets/parquet/columns.ts';
import { ParquetValueError } from '#datasets/parquet/errors.ts';
import {
  inMemory,
  type KeptLists,
  type ListParts,
  within,
} from '#datasets/soft-labels/kept-lists.ts';
import { eachGroup, readGroups, writeTable } from '#datasets/table-file.ts';
import {
  formatOf,
  LENGTH_KEY,
  provenanceOf,
  READ_FORMAT,
  TOKENIZER_KEY,
  type TokenList,
  tableOf,
} from './token-columns.ts';

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
  readonly name: TokenList;
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
  const list = (name: TokenList, at: Int32Array, values: Int32Array | null | undefined) =>
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
  const tokens = await keep(partsOf(path, 'token_ids'));
  const types = columns.has('type_ids') ? await keep(partsOf(path, 'type_ids')) : null;
  return {
    ...tableOf({ path, columns, metadata }, groups, { tokens, types }),
    exampleIds: groups.flatMap((group) => group.texts('example_id')),
  };
}

/** Opens what `writeTokens` wrote, to be read row group by row group, each a table of its own. */
export async function openTokens(folder: string): Promise<TokenGroups> {
  const path = pathIn(folder);
  const table: GroupedTable<TokenGroup> = await openGroups(path, READ_FORMAT, {
    decode(group) {
      const tokens = group.listInt32('token_ids');
      const types = table.columns.has('type_ids') ? group.listInt32('type_ids') : null;
      return { ...tableOf(table, [group], { tokens, types }), idAt: idsIn(group) };
    },
  });
  return { ...table, ...provenanceOf(path, table.metadata) };
}

/** Tokens of a row group. */
export type TokenGroup = Omit<TokenTable, 'exampleIds'> & TableGroup;

/** Of a table, what the footer says; `columns` tell what the examples are. */
export type TokenGroups = GroupedTable<TokenGroup> &
  Pick<TokenTable, 'tokenizerDigest' | 'maxLength'>;

function partsOf(path: string, column: TokenList): ListParts {
  return async (take) => {
    const wants = (name: string) => name === column;
    await eachGroup(path, READ_FORMAT, (group) => take(group.listInt32(column)), { wants });
  };
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

function pathIn(folder: string): string {
  return join(folder, 'tokens.parquet');
}

/** Lists that are as long as the texts. */
const LONG_LISTS: readonly string[] = ['token_ids', 'type_ids'];
