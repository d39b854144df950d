import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readTable, type TableFormat, valueAt, writeTable } from '#datasets/table-file.ts';

/** What an example has in a column of the corpus by which the test rows are sliced. */
export interface SliceValue {
  readonly exampleId: string;
  readonly column: string;
  /** Null where its row has none. */
  readonly value: string | null;
}

/** Writes `slice-values.parquet` in the order given. */
export async function writeSliceValues(folder: string, rows: readonly SliceValue[]): Promise<void> {
  await writeTable(pathIn(folder), FORMAT, {
    rowCount: rows.length,
    slice: (from, to) => {
      const part = rows.slice(from, to);
      return {
        example_id: part.map(({ exampleId }) => exampleId),
        column: part.map(({ column }) => column),
        value: part.map(({ value }) => value),
      };
    },
  });
}

/** Reads what `writeSliceValues` wrote, in the same order; none where the folder has no such file. */
export async function readSliceValues(folder: string): Promise<SliceValue[]> {
  const path = pathIn(folder);
  if (!existsSync(path)) return [];
  return readTable(path, FORMAT, (group) => {
    const [columns, values] = [group.texts('column'), group.utf8('value')];
    return group.texts('example_id').map((exampleId, row) => ({
      exampleId,
      column: valueAt(columns, row),
      value: valueAt(values, row),
    }));
  });
}

function pathIn(folder: string): string {
  return join(folder, 'slice-values.parquet');
}

const FORMAT: TableFormat = {
  name: 'slice-values',
  formatVersion: 1,
  columns: [
    { name: 'example_id', type: 'utf8' },
    { name: 'column', type: 'utf8' },
    { name: 'value', type: 'utf8', nullable: true },
  ],
};
