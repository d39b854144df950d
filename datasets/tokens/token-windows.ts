import { joinNumbers } from '#datasets/parquet/columns.ts';
import type { TokenTable } from './tokens.ts';

/** The same tokens with a row for each window, as a model reads them; other tables stay as they are. */
export function windowsAsRows({ windowEnds, ...table }: TokenTable): TokenTable {
  if (windowEnds === undefined) return table;
  const { values, offsets } = windowEnds;
  const ownerOf = new Int32Array(values.length);
  for (let row = 0; row + 1 < offsets.length; row++)
    ownerOf.fill(row, offsets[row], offsets[row + 1]);
  const ends = values.map((end, window) => (table.offsets[ownerOf[window] ?? 0] ?? 0) + end);
  return {
    ...table,
    // Windows of an example stand end to end, so that the tokens lie right already.
    offsets: joinNumbers([Int32Array.of(0), ends], Int32Array),
    exampleIds: Array.from(ownerOf, (row) => table.exampleIds[row] ?? ''),
    truncated: Uint8Array.from(ownerOf, (row) => table.truncated[row] ?? 0),
  };
}
