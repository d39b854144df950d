import type { TokenTable } from '#datasets/tokens.ts';

/** Token ids of one row, as a view. */
export function tokenIdsOf({ tokenIds, offsets }: TokenTable, row: number): Int32Array {
  return tokenIds.subarray(offsets[row], offsets[row + 1]);
}

/** Tokens of each row. */
export function tokenLengths({ exampleIds, offsets }: TokenTable): number[] {
  return exampleIds.map((_, row) => (offsets[row + 1] ?? 0) - (offsets[row] ?? 0));
}
