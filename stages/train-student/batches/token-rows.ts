import { IntFile } from '#datasets/int-list.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';

/** Token ids of one row: a view, or read from the file that they lie in. */
export function tokenIdsOf(
  { tokenIds, offsets }: Pick<StoredTokens, 'tokenIds' | 'offsets'>,
  row: number,
): Int32Array {
  return tokenIds.subarray(offsets[row] ?? 0, offsets[row + 1]);
}

/** Tokens of each row. */
export function tokenLengths({ exampleIds, offsets }: StoredTokens): number[] {
  return exampleIds.map((_, row) => lengthOf(offsets, row));
}

/** Token ids of these rows (-1: none), brought into memory where they lie in a file. */
export async function tokensOfRows(
  tokens: StoredTokens,
  rows: Int32Array,
): Promise<(row: number) => Int32Array> {
  const { tokenIds, offsets } = tokens;
  if (!(tokenIds instanceof IntFile)) return (row) => tokenIdsOf(tokens, row);
  let [first, last, wanted] = [Infinity, -1, 0];
  for (const row of rows) {
    if (row < 0) continue;
    first = Math.min(first, row);
    last = Math.max(last, row);
    wanted += lengthOf(offsets, row);
  }
  const [start = 0, end = 0] = [offsets[first], offsets[last + 1]];
  // Rows of a shard mostly lie together: then one read brings them all.
  if (end - start <= MOST_READ * wanted) {
    const block = await tokenIds.read(start, end);
    return (row) => block.subarray((offsets[row] ?? 0) - start, (offsets[row + 1] ?? 0) - start);
  }
  const found = new Map<number, Int32Array>();
  for (const row of rows) if (row >= 0) found.set(row, tokenIdsOf(tokens, row));
  return (row) => found.get(row) ?? new Int32Array();
}

/** All rows in their order; those of a file are read many at a time. */
export function* eachRow(tokens: StoredTokens): Generator<Int32Array> {
  const { tokenIds, offsets } = tokens;
  const rowCount = tokens.exampleIds.length;
  for (let from = 0; from < rowCount; from += BLOCK) {
    const to = Math.min(rowCount, from + BLOCK);
    const start = offsets[from] ?? 0;
    const block = tokenIds.subarray(start, offsets[to]);
    for (let row = from; row < to; row++) {
      yield block.subarray((offsets[row] ?? 0) - start, (offsets[row + 1] ?? 0) - start);
    }
  }
}

/** Tokens of one row. */
export function lengthOf(offsets: Int32Array, row: number): number {
  return (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
}

/** Numbers that are read for each one that is wanted. */
const MOST_READ = 4;
const BLOCK = 4096;
