import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readTable, type TableFormat, writeTable } from '#datasets/table-file.ts';

/** Labels of the corpus for the words of one example. */
export interface TokenLabels {
  readonly exampleId: string;
  /** Class id of each word; -1 where it has none. */
  readonly labelIds: Int32Array;
}

/** Writes `token-labels.parquet` in the order given. */
export async function writeTokenLabels(
  folder: string,
  rows: readonly TokenLabels[],
): Promise<void> {
  await writeTable(pathIn(folder), FORMAT, {
    rowCount: rows.length,
    slice: (from, to) => {
      const part = rows.slice(from, to);
      return {
        example_id: part.map(({ exampleId }) => exampleId),
        label_ids: joined(part.map(({ labelIds }) => labelIds)),
      };
    },
  });
}

/** Reads what `writeTokenLabels` wrote, in the same order. */
export async function readTokenLabels(folder: string): Promise<TokenLabels[]> {
  return readTable(pathIn(folder), FORMAT, (group) => {
    const { values, offsets } = group.listInt32('label_ids');
    return group.texts('example_id').map((exampleId, row) => ({
      exampleId,
      labelIds: values.slice(offsets[row], offsets[row + 1]),
    }));
  });
}

/** Are the labels of this folder those of words? */
export function hasTokenLabels(folder: string): boolean {
  return existsSync(pathIn(folder));
}

/** The class of each word of each labelled example. */
export function labelsByExample(rows: readonly TokenLabels[]): Map<string, Int32Array> {
  return new Map(rows.map(({ exampleId, labelIds }) => [exampleId, labelIds]));
}

function joined(lists: readonly Int32Array[]) {
  const offsets = new Int32Array(lists.length + 1);
  for (const [row, { length }] of lists.entries()) offsets[row + 1] = (offsets[row] ?? 0) + length;
  const values = new Int32Array(offsets.at(-1) ?? 0);
  for (const [row, list] of lists.entries()) values.set(list, offsets[row]);
  return { values, offsets };
}

function pathIn(folder: string): string {
  return join(folder, 'token-labels.parquet');
}

const FORMAT: TableFormat = {
  name: 'token-labels',
  formatVersion: 1,
  columns: [
    { name: 'example_id', type: 'utf8' },
    { name: 'label_ids', type: 'list<int32>' },
  ],
};
