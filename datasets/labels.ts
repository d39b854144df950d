import { join } from 'node:path';
import { readTable, type TableFormat, valueAt, writeTable } from './table-file.ts';
import { hasTargets } from './targets.ts';

/** A label from the corpus. Where sources disagree an example has several, whose weights sum to 1. */
export interface GoldLabel {
  readonly exampleId: string;
  readonly labelId: number;
  readonly label: string;
  readonly weight: number;
}

/** Writes `labels.parquet` in the order given. */
export async function writeLabels(folder: string, rows: readonly GoldLabel[]): Promise<void> {
  await writeTable(pathIn(folder), FORMAT, {
    rowCount: rows.length,
    slice: (from, to) => {
      const part = rows.slice(from, to);
      return {
        example_id: part.map((row) => row.exampleId),
        label_id: part.map((row) => row.labelId),
        label: part.map((row) => row.label),
        weight: part.map((row) => row.weight),
      };
    },
  });
}

/** Reads what `writeLabels` wrote, in the same order; none where the folder holds values (`targets.parquet`). */
export async function readLabels(folder: string): Promise<GoldLabel[]> {
  if (hasTargets(folder)) return [];
  return readTable(pathIn(folder), FORMAT, (group) => {
    const [labelIds, labels] = [group.int32('label_id'), group.texts('label')];
    const weights = group.float('weight');
    return group.texts('example_id').map((exampleId, row) => ({
      exampleId,
      labelId: valueAt(labelIds, row),
      label: valueAt(labels, row),
      weight: valueAt(weights, row),
    }));
  });
}

function pathIn(folder: string): string {
  return join(folder, 'labels.parquet');
}

const FORMAT: TableFormat = {
  name: 'labels',
  formatVersion: 1,
  columns: [
    { name: 'example_id', type: 'utf8' },
    { name: 'label_id', type: 'int32' },
    { name: 'label', type: 'utf8' },
    { name: 'weight', type: 'float' },
  ],
};
