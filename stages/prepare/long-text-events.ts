import type { TextCut } from '#datasets/tokens/long-texts.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import type { StageEvent } from '#stages/stage.ts';
import { truncatedRows } from '#stages/texts/tokenise.ts';

/** Whose tokens they are. */
export type Owner = 'teacher' | 'student';

/** Says how many rows are longer than the model reads, also where none is, and what became of them. */
export function* longTextEvents(
  owner: Owner,
  tables: readonly TokenTable[],
  cut: TextCut,
): Generator<StageEvent, void, void> {
  const total = tables.reduce((sum, table) => sum + table.exampleIds.length, 0);
  const truncated = tables.reduce((sum, table) => sum + truncatedRows(table), 0);
  const name = owner === 'teacher' ? 'truncatedRows' : 'truncatedRowsStudent';
  yield { type: 'count', name, value: truncated };
  const length = count(tables[0]?.maxLength ?? 0);
  const long = truncated + tables.reduce((sum, table) => sum + rowsInWindows(table), 0);
  if (long === 0) {
    const message = `no row is longer than ${length} tokens (${owner}.maxLength)`;
    yield { type: 'note', message };
    return;
  }
  const share = ((100 * long) / total).toFixed(1);
  const rows = `${count(long)} of ${count(total)} rows (${share} %) are longer than ${length} tokens`;
  if (cut.type === 'windows') {
    const windows = tables.reduce(
      (sum, { windowEnds }) => sum + (windowEnds?.values.length ?? 0),
      0,
    );
    yield { type: 'count', name: 'windows', value: windows };
    const message = `${rows} and are read in several windows, ${count(windows)} for all rows (${owner}.longTexts)`;
    yield { type: 'note', message };
    return;
  }
  const lost = cut.type === 'head-tail' ? 'what is between head and tail' : 'the rest';
  yield { type: 'warning', message: `${rows} and lose ${lost} (${owner}.maxLength)` };
}

function rowsInWindows({ windowEnds }: TokenTable): number {
  const { offsets = [] } = windowEnds ?? {};
  return [...offsets].filter((offset, row) => row > 0 && offset - (offsets[row - 1] ?? 0) > 1)
    .length;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
