import { join } from 'node:path';
import type { ColumnSpec, ListColumn } from '#datasets/parquet/columns.ts';
import { CorruptParquetError, ParquetValueError } from '#datasets/parquet/errors.ts';
import { readGroups, type TableFormat, writeTable } from './table-file.ts';

/** Token ids of every example of one split under one tokenizer. */
export interface TokenTable {
  readonly exampleIds: readonly string[];
  /** rows + 1; example r is `tokenIds[offsets[r] .. offsets[r + 1]]`. */
  readonly offsets: Int32Array;
  readonly tokenIds: Int32Array;
  /** Parallel to `tokenIds`; null where the examples are not pairs. */
  readonly typeIds: Int32Array | null;
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

/** Reads what `writeTokens` wrote, in the same order. */
export async function readTokens(folder: string): Promise<TokenTable> {
  const path = pathIn(folder);
  const { groups, columns, metadata } = await readGroups(path, formatOf([{ name: 'token_ids' }]));
  const list = (name: ListOfAll['name'], like?: ListColumn<Int32Array>) => {
    if (!columns.has(name)) return undefined;
    const column = joinLists(groups.map((group) => group.listInt32(name)));
    if (like?.offsets.some((offset, row) => offset !== column.offsets[row])) {
      throw new CorruptParquetError(
        path,
        `the lists of ${name} are not as long as those beside them`,
      );
    }
    return column;
  };
  const tokens = list('token_ids') ?? NO_LISTS;
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
    typeIds: list('type_ids', tokens)?.values ?? null,
    truncated: Uint8Array.from(groups.flatMap((group) => Array.from(group.int32('truncated')))),
    ...provenanceOf(path, metadata),
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

function joinLists(parts: readonly ListColumn<Int32Array>[]): ListColumn<Int32Array> {
  const rowCount = parts.reduce((sum, part) => sum + part.offsets.length - 1, 0);
  const values = new Int32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  const offsets = new Int32Array(rowCount + 1);
  let [row, start] = [0, 0];
  for (const part of parts) {
    values.set(part.values, start);
    // Offsets of a row group begin at 0.
    offsets.set(
      part.offsets.map((offset) => offset + start),
      row,
    );
    row += part.offsets.length - 1;
    start += part.values.length;
  }
  return { values, offsets };
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
const NO_LISTS: ListColumn<Int32Array> = { offsets: Int32Array.of(0), values: new Int32Array() };
const TOKENIZER_KEY = 'decant.tokenizer_digest';
const LENGTH_KEY = 'decant.max_length';
