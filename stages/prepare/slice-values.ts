import type { Example } from '#datasets/example.ts';
import { sliceGroups } from '#datasets/metrics/slice-groups.ts';
import type { SliceValue } from '#datasets/metrics/slice-values.ts';

/** What the test rows have in each column that they are sliced by; a column that cannot part them is refused. */
export function sliceValuesOf(
  examples: readonly Example[],
  columns: readonly string[],
): SliceValue[] {
  return columns.flatMap((column) => {
    const values = examples.map(({ exampleId, kept = {} }) => ({
      exampleId,
      column,
      value: kept[column] ?? null,
    }));
    // Found out here, before the teacher is asked, and not when the students are measured.
    sliceGroups(
      column,
      values.map(({ value }) => value),
    );
    return values;
  });
}
