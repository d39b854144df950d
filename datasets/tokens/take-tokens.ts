import type { IntList } from '#datasets/int-list.ts';
import type { StoredTokens, TokenTable } from './tokens.ts';

/** The rows at these positions, in this order and in memory. */
export function takeTokens(table: StoredTokens, rows: readonly number[]): TokenTable {
  const { tokenIds, typeIds, targets, answers, windowEnds } = table;
  const { offsets, gather } = takeLists(table.offsets, rows);
  const target = targets && takeLists(targets.offsets, rows);
  const answered = answers && takeLists(answers.offsets, rows);
  const windows = windowEnds && takeLists(windowEnds.offsets, rows);
  return {
    ...table,
    exampleIds: rows.map((row) => table.exampleIds[row] ?? ''),
    offsets,
    tokenIds: gather(tokenIds),
    typeIds: typeIds === null ? null : gather(typeIds),
    ...(target && { targets: { offsets: target.offsets, ids: target.gather(targets.ids) } }),
    ...(answered && {
      answers: {
        offsets: answered.offsets,
        at: answered.gather(answers.at),
        positions: answered.gather(answers.positions),
        ...(answers.originals && { originals: answered.gather(answers.originals) }),
      },
    }),
    ...(windows && {
      windowEnds: { offsets: windows.offsets, values: windows.gather(windowEnds.values) },
    }),
    truncated: Uint8Array.from(rows, (row) => table.truncated[row] ?? 0),
  };
}

/** Where the lists of these rows come to lie, and what puts the values of a column there. */
function takeLists(offsets: Int32Array, rows: readonly number[]) {
  const taken = new Int32Array(rows.length + 1);
  for (const [index, row] of rows.entries()) {
    taken[index + 1] = (taken[index] ?? 0) + (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
  }
  const gather = (values: IntList): Int32Array => {
    const gathered = new Int32Array(taken.at(-1) ?? 0);
    for (const [index, row] of rows.entries()) {
      gathered.set(values.subarray(offsets[row] ?? 0, offsets[row + 1]), taken[index]);
    }
    return gathered;
  };
  return { offsets: taken, gather };
}
