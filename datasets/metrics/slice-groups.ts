import { Failure } from '#cache/failure.ts';

/** Rows that belong together, by what they have in a column. */
export interface SliceGroup {
  readonly value: string;
  /** Places of the rows. */
  readonly rows: readonly number[];
}

/** A column that cannot part the test rows. */
export class SliceColumnError extends Failure {
  constructor(column: string, problem: string) {
    super(
      'data',
      'E_SLICE_COLUMN',
      `evaluate.slices: column "${column}" ${problem}`,
      `name a column of corpus.test with at most ${MOST_VALUES} values, or of numbers, which are cut into quarters`,
    );
  }
}

/**
 * Parts rows by their values: one part a value, largest first, or, of more than 20 numbers, quarters of the rows.
 * Rows without a value are a part of their own. Refuses a column that is empty or holds too many texts.
 */
export function sliceGroups(column: string, values: readonly (string | null)[]): SliceGroup[] {
  const rowsOf = new Map<string, number[]>();
  const unnamed: number[] = [];
  for (const [row, value] of values.entries()) {
    const known = value === null ? unnamed : rowsOf.get(value);
    if (known !== undefined) known.push(row);
    else if (value !== null) rowsOf.set(value, [row]);
  }
  const named = [...rowsOf].map(([value, rows]) => ({ value, rows }));
  if (named.length === 0) throw new SliceColumnError(column, 'has no value in any test row');
  const parts = named.length <= MOST_VALUES ? bySize(named) : quarters(column, values);
  return unnamed.length === 0 ? parts : [...parts, { value: NO_VALUE, rows: unnamed }];
}

function bySize(groups: readonly SliceGroup[]): SliceGroup[] {
  return groups.toSorted((a, b) => b.rows.length - a.rows.length || (a.value < b.value ? -1 : 1));
}

/** Equal numbers stay together, so there may be fewer than four. */
function quarters(column: string, values: readonly (string | null)[]): SliceGroup[] {
  const numbered = [...values.keys()].flatMap((row) => {
    const value = values[row] ?? null;
    return value === null ? [] : [{ row, number: numberIn(column, value, values) }];
  });
  const ascending = numbered.map(({ number }) => number).sort((a, b) => a - b);
  const ends = [0.25, 0.5, 0.75, 1].map(
    (share) => ascending[Math.ceil(share * ascending.length) - 1] ?? 0,
  );
  return [...new Set(ends)].map((to, at, kept) => {
    const above = kept[at - 1] ?? Number.NEGATIVE_INFINITY;
    const rows = numbered.filter(({ number }) => number > above && number <= to);
    const from = rows.reduce((least, { number }) => Math.min(least, number), to);
    const value = from === to ? String(to) : `${from} to ${to}`;
    return { value, rows: rows.map(({ row }) => row) };
  });
}

function numberIn(column: string, value: string, values: readonly (string | null)[]): number {
  const number = Number(value);
  if (Number.isFinite(number) && value.trim() !== '') return number;
  const count = new Set(values).size.toLocaleString('en-US');
  throw new SliceColumnError(
    column,
    `has ${count} different values, such as ${JSON.stringify(value.slice(0, 40))}`,
  );
}

/** What the rows without a value are called. */
const NO_VALUE = '(none)';

const MOST_VALUES = 20;
