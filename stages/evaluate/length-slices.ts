import type { Metrics } from '#datasets/metrics/metrics.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';

/** Tokens of each test row, by example id. */
export function lengthsOf({ exampleIds, offsets }: TokenTable): Map<string, number> {
  return new Map(
    exampleIds.map((exampleId, row) => [exampleId, (offsets[row + 1] ?? 0) - (offsets[row] ?? 0)]),
  );
}

/** Accuracy of short and long rows: quarters of the rows by length, those of one length together. */
export function lengthSlices(
  lengths: readonly number[],
  correct: ArrayLike<number>,
): NonNullable<Metrics['slices']> {
  const ascending = lengths.toSorted((a, b) => a - b);
  const ends = [0.25, 0.5, 0.75, 1].map(
    (share) => ascending[Math.ceil(share * ascending.length) - 1] ?? 0,
  );
  return [...new Set(ends)].flatMap((to, at, kept) => {
    const above = kept[at - 1] ?? -1;
    const rows = [...lengths.keys()].filter((row) => {
      const length = lengths[row] ?? 0;
      return length > above && length <= to;
    });
    if (rows.length === 0) return [];
    const from = rows.reduce((least, row) => Math.min(least, lengths[row] ?? 0), to);
    const right = rows.reduce((sum, row) => sum + (correct[row] ?? 0), 0);
    return [{ of: 'tokens', from, to, rows: rows.length, accuracy: right / rows.length }];
  });
}
