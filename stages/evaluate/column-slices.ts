import { sliceGroups } from '#datasets/metrics/slice-groups.ts';
import type { ColumnSlice } from '#datasets/metrics/slice-metrics.ts';
import type { SliceValue } from '#datasets/metrics/slice-values.ts';
import type { JudgedRows } from './judged.ts';

/** The figures of the rows by what they have in each column of `evaluate.slices`. */
export function columnSlices(
  judged: JudgedRows,
  columns: readonly string[],
  values: readonly SliceValue[],
): ColumnSlice[] {
  return columns.flatMap((column) => {
    const ofColumn = values.filter((one) => one.column === column);
    const valueOf = new Map(ofColumn.map(({ exampleId, value }) => [exampleId, value]));
    const groups = sliceGroups(
      column,
      judged.exampleIds.map((exampleId) => valueOf.get(exampleId) ?? null),
    );
    return groups.map(({ value, rows }) => ({
      column,
      value,
      rows: rows.length,
      figures: judged.figuresOf(rows),
    }));
  });
}
