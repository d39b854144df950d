import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type SoftLabelMeta, writeSoftLabelShard } from '#datasets/soft-labels.ts';
import { type CacheShape, cacheData } from './data.ts';
import { table } from './measure.ts';
import type { Pyarrow } from './pyarrow.ts';

/** A way to keep a row. A new mode of the format is one more line here. */
interface Mode {
  readonly name: string;
  readonly shape: CacheShape;
  readonly meta?: Partial<SoftLabelMeta>;
}

const MODES: readonly Mode[] = [
  { name: 'float32, k = 10', shape: shapeOf(10, 77, 20_000) },
  // The class list is in the footer: enough rows that it does not count.
  { name: 'float32, k = 64', shape: shapeOf(64, 150_000, 100_000) },
  { name: 'dense', shape: shapeOf(null, 77, 20_000) },
];

/** Bytes of a row in every mode, id and footer included, beside what pyarrow makes of the same columns. */
export async function sizeTable(folder: string, pyarrow: Pyarrow | undefined): Promise<string> {
  const lines: string[][] = [];
  for (const { name, shape, meta } of MODES) {
    const data = cacheData(shape);
    const own = join(folder, `size-${name}`);
    mkdirSync(own);
    const path = join(own, 'part-00000.parquet');
    await writeSoftLabelShard(path, data.rows, { ...data.meta, ...meta });
    const bytes = (file: string) => `${(statSync(file).size / shape.rowCount).toFixed(0)} B`;
    const others = [join(own, 'snappy'), join(own, 'tuned')] as const;
    await pyarrow?.load(path);
    await pyarrow?.write(others[0], 'snappy', false);
    await pyarrow?.write(others[1], 'zstd', true);
    lines.push([
      name,
      String(shape.classCount),
      bytes(path),
      ...others.map((file) => (pyarrow === undefined ? '-' : bytes(file))),
    ]);
  }
  const head = ['mode', 'classes', 'decant, zstd', "pyarrow's defaults", 'pyarrow tuned, zstd'];
  return table(head, lines);
}

function shapeOf(topK: number | null, classCount: number, rowCount: number): CacheShape {
  return { name: 'size', rowCount, topK, classCount };
}
