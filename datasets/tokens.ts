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
  readonly tokenizerDigest: string;
  /** In tokens, special ones included. */
  readonly maxLength: number;
}

/** Writes `tokens.parquet`. */
export async function writeTokens(folder: string, table: TokenTable): Promise<void> {
  const { exampleIds, offsets, tokenIds, typeIds, truncated } = table;
  const list = (values: Int32Array, from: number, to: number): ListColumn<Int32Array> => ({
    values: values.subarray(offsets[from], offsets[to]),
    offsets: offsets.subarray(from, to + 1),
  });
  const path = pathIn(folder);
  checkLengths(path, table);
  await writeTable(path, formatOf(typeIds !== null), {
    rowCount: exampleIds.length,
    metadata: { [TOKENIZER_KEY]: table.tokenizerDigest, [LENGTH_KEY]: String(table.maxLength) },
    slice: (from, to) => ({
      example_id: exampleIds.slice(from, to),
      token_ids: list(tokenIds, from, to),
      ...(typeIds !== null && { type_ids: list(typeIds, from, to) }),
      truncated: Int32Array.from(truncated.subarray(from, to)),
    }),
  });
}

/** Reads what `writeTokens` wrote, in the same order. */
export async function readTokens(folder: string): Promise<TokenTable> {
  const path = pathIn(folder);
  const { groups, columns, metadata } = await readGroups(path, formatOf(false));
  const lists = (name: string) => joinLists(groups.map((group) => group.listInt32(name)));
  const tokens = lists('token_ids');
  const types = columns.has(TYPE_IDS.name) ? lists(TYPE_IDS.name) : null;
  if (types?.offsets.some((offset, row) => offset !== tokens.offsets[row])) {
    throw new CorruptParquetError(path, 'token_ids and type_ids are not equally long');
  }
  return {
    exampleIds: groups.flatMap((group) => group.texts('example_id')),
    offsets: tokens.offsets,
    tokenIds: tokens.values,
    typeIds: types === null ? null : types.values,
    truncated: Uint8Array.from(groups.flatMap((group) => Array.from(group.int32('truncated')))),
    ...provenanceOf(path, metadata),
  };
}

/** The rows at these positions, in this order. */
export function takeTokens(table: TokenTable, rows: readonly number[]): TokenTable {
  const { tokenIds, typeIds, offsets } = table;
  const lengths = rows.map((row) => (offsets[row + 1] ?? 0) - (offsets[row] ?? 0));
  const taken = new Int32Array(rows.length + 1);
  for (const [index, length] of lengths.entries()) taken[index + 1] = (taken[index] ?? 0) + length;
  const gather = (values: Int32Array): Int32Array => {
    const gathered = new Int32Array(taken.at(-1) ?? 0);
    for (const [index, row] of rows.entries()) {
      gathered.set(values.subarray(offsets[row], offsets[row + 1]), taken[index]);
    }
    return gathered;
  };
  return {
    ...table,
    exampleIds: rows.map((row) => table.exampleIds[row] ?? ''),
    offsets: taken,
    tokenIds: gather(tokenIds),
    typeIds: typeIds === null ? null : gather(typeIds),
    truncated: Uint8Array.from(rows, (row) => table.truncated[row] ?? 0),
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
  if (table.offsets[0] !== 0) throw new ParquetValueError(path, 'offsets', 'do not begin at 0');
  const tokenCount = table.offsets[rowCount] ?? Number.NaN;
  const lengths: readonly (readonly [name: string, found: number, wanted: number])[] = [
    ['offsets', table.offsets.length, rowCount + 1],
    ['token_ids', table.tokenIds.length, tokenCount],
    ['type_ids', table.typeIds?.length ?? tokenCount, tokenCount],
    ['truncated', table.truncated.length, rowCount],
  ];
  for (const [name, found, wanted] of lengths) {
    if (found !== wanted) throw new ParquetValueError(path, name, `${found} values, not ${wanted}`);
  }
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

function formatOf(isPair: boolean): TableFormat {
  return {
    name: 'tokens',
    formatVersion: 1,
    columns: [
      { name: 'example_id', type: 'utf8' },
      { name: 'token_ids', type: 'list<int32>' },
      ...(isPair ? [TYPE_IDS] : []),
      { name: 'truncated', type: 'int32' },
    ],
  };
}

function pathIn(folder: string): string {
  return join(folder, 'tokens.parquet');
}

const TYPE_IDS: ColumnSpec = { name: 'type_ids', type: 'list<int32>' };
const TOKENIZER_KEY = 'decant.tokenizer_digest';
const LENGTH_KEY = 'decant.max_length';
