import type { GroupedTable } from '#datasets/grouped-table.ts';
import type { ColumnSpec, ListColumn } from '#datasets/parquet/columns.ts';
import { joinLists } from '#datasets/parquet/columns.ts';
import { CorruptParquetError } from '#datasets/parquet/errors.ts';
import type { RowGroup } from '#datasets/parquet/row-group.ts';
import type { KeptLists } from '#datasets/soft-labels/kept-lists.ts';
import type { TableFormat } from '#datasets/table-file.ts';
import type { TokenTable } from './tokens.ts';

/** A column of lists. Which of them a table has depends on what its examples are. */
export type TokenList = (typeof LISTS)[number];

/** Row groups as a table, without its ids; the long lists come apart, as they may lie in a file. */
export function tableOf<Ids>(
  { path, columns, metadata }: Pick<GroupedTable<unknown>, 'path' | 'columns' | 'metadata'>,
  groups: readonly RowGroup[],
  { tokens, types }: { readonly tokens: KeptLists<Ids>; readonly types: KeptLists<Ids> | null },
): Omit<TokenTable<Ids>, 'exampleIds'> {
  const requireLike = (name: string, offsets: Int32Array, like: Int32Array) => {
    if (!like.some((offset, row) => offset !== offsets[row])) return;
    throw new CorruptParquetError(
      path,
      `the lists of ${name} are not as long as those beside them`,
    );
  };
  const list = (name: TokenList, like?: ListColumn<Int32Array>) => {
    if (!columns.has(name)) return undefined;
    const column = joinLists(
      groups.map((group) => group.listInt32(name)),
      Int32Array,
    );
    if (like !== undefined) requireLike(name, column.offsets, like.offsets);
    return column;
  };
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
    offsets: tokens.offsets,
    tokenIds: tokens.values,
    typeIds: types?.values ?? null,
    truncated: Uint8Array.from(groups.flatMap((group) => Array.from(group.int32('truncated')))),
    ...provenanceOf(path, metadata),
  };
}

/** What the footer says of how the tokens were made. */
export function provenanceOf(path: string, metadata: Readonly<Record<string, string>>) {
  const { [TOKENIZER_KEY]: tokenizerDigest, [LENGTH_KEY]: maxLength } = metadata;
  if (tokenizerDigest !== undefined && Number(maxLength) > 0) {
    return { tokenizerDigest, maxLength: Number(maxLength) };
  }
  throw new CorruptParquetError(path, `the footer lacks ${TOKENIZER_KEY} or ${LENGTH_KEY}`);
}

/** A reader asks for what is always there; the other columns tell by being there. */
export function formatOf(lists: readonly { readonly name: TokenList }[]): TableFormat {
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

const LISTS = [
  'token_ids',
  'type_ids',
  'target_ids',
  'answer_at',
  'answer_positions',
  'original_ids',
  'window_ends',
] as const;
export const READ_FORMAT = formatOf([{ name: 'token_ids' }]);
const NO_LISTS: ListColumn<Int32Array> = { offsets: Int32Array.of(0), values: new Int32Array() };
export const TOKENIZER_KEY = 'decant.tokenizer_digest';
export const LENGTH_KEY = 'decant.max_length';
