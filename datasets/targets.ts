import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptParquetError, ParquetValueError } from '#datasets/parquet/errors.ts';
import { readGroups, type TableFormat, writeTable } from './table-file.ts';

/** Gold values of one labelled example: a number an output, or a share a class (0 or 1 where sources agree). */
export interface GoldTargets {
  readonly exampleId: string;
  /** [outputs], in the order of classes.json. */
  readonly targets: Float32Array;
}

/** Writes `targets.parquet` in the order given. */
export async function writeTargets(folder: string, rows: readonly GoldTargets[]): Promise<void> {
  const path = pathIn(folder);
  const width = rows[0]?.targets.length ?? 0;
  const odd = rows.find(({ targets }) => targets.length !== width);
  if (odd !== undefined) {
    const problem = `${odd.targets.length} values instead of ${width} in example ${odd.exampleId}`;
    throw new ParquetValueError(path, 'targets', problem);
  }
  await writeTable(path, FORMAT, {
    rowCount: rows.length,
    slice: (from, to) => {
      const part = rows.slice(from, to);
      const values = new Float32Array(part.length * width);
      for (const [row, { targets }] of part.entries()) values.set(targets, row * width);
      const offsets = Int32Array.from({ length: part.length + 1 }, (_, row) => row * width);
      return {
        example_id: part.map(({ exampleId }) => exampleId),
        targets: { values, offsets },
      };
    },
  });
}

/** Reads what `writeTargets` wrote, in the same order. */
export async function readTargets(folder: string): Promise<GoldTargets[]> {
  const path = pathIn(folder);
  const { groups } = await readGroups(path, FORMAT);
  const rows = groups.flatMap((group): GoldTargets[] => {
    const { values, offsets } = group.listFloat('targets');
    const first = offsets[0] ?? 0;
    return group.texts('example_id').map((exampleId, row) => ({
      exampleId,
      targets: values.slice((offsets[row] ?? 0) - first, (offsets[row + 1] ?? 0) - first),
    }));
  });
  const width = rows[0]?.targets.length;
  if (rows.some(({ targets }) => targets.length !== width)) {
    throw new CorruptParquetError(path, 'rows have different numbers of targets');
  }
  return rows;
}

/** Does this folder hold values instead of classes? */
export function hasTargets(folder: string): boolean {
  return existsSync(pathIn(folder));
}

function pathIn(folder: string): string {
  return join(folder, 'targets.parquet');
}

const FORMAT: TableFormat = {
  name: 'targets',
  formatVersion: 1,
  columns: [
    { name: 'example_id', type: 'utf8' },
    { name: 'targets', type: 'list<float>' },
  ],
};
