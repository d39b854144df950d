import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type SampledColumns,
  type SoftLabelMeta,
  type SoftLabelRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { drawClasses } from '#stages/numerics/sampling.ts';
import { type CacheData, type CacheShape, cacheData } from './data.ts';
import { table } from './measure.ts';
import type { Pyarrow } from './pyarrow.ts';

/** A way to keep a row. A new mode of the format is one more line here. */
interface Mode {
  readonly name: string;
  readonly shape: CacheShape;
  readonly precision?: SoftLabelMeta['precision'];
  /** Draws of mode sampled. */
  readonly samples?: number;
}

const FEW = shapeOf(10, 77, 20_000);
// The class list stands in the footer once: the more rows a shard has, the less it counts.
const MANY = shapeOf(64, 150_000, 100_000);
const MODES: readonly Mode[] = [
  { name: 'top-k, float32', shape: FEW },
  { name: 'top-k, compact', shape: FEW, precision: 'compact' },
  { name: 'top-k, small', shape: FEW, precision: 'small' },
  { name: 'top-k, float32', shape: MANY },
  { name: 'top-k, compact', shape: MANY, precision: 'compact' },
  { name: 'top-k, small', shape: MANY, precision: 'small' },
  { name: 'sampled, 50 draws', shape: MANY, samples: 50 },
  { name: 'dense', shape: shapeOf(null, 77, 20_000) },
];

/** Bytes of a row in every mode, id and footer included, beside what pyarrow makes of the same columns. */
export async function sizeTable(folder: string, pyarrow: Pyarrow | undefined): Promise<string> {
  const lines: string[][] = [];
  for (const mode of MODES) {
    const { name, shape } = mode;
    const own = join(folder, `size-${lines.length}`);
    mkdirSync(own);
    const path = join(own, 'part-00000.parquet');
    const { rows, meta } = asMode(cacheData(shape), mode);
    await writeSoftLabelShard(path, rows, meta);
    const perRow = (bytes: number) => `${(bytes / shape.rowCount).toFixed(0)} B`;
    const classList = Buffer.byteLength(JSON.stringify(meta.classNames));
    const others = [join(own, 'snappy'), join(own, 'tuned')] as const;
    await pyarrow?.load(path);
    await pyarrow?.write(others[0], 'snappy', false);
    await pyarrow?.write(others[1], 'zstd', true);
    lines.push([
      name,
      `${shape.topK ?? shape.classCount} of ${shape.classCount.toLocaleString('en-US')}`,
      perRow(statSync(path).size),
      perRow(classList),
      ...others.map((file) => (pyarrow === undefined ? '-' : perRow(statSync(file).size))),
    ]);
  }
  const head = [
    'mode',
    'k',
    'decant, zstd',
    'of it the class list',
    "pyarrow's defaults",
    'pyarrow tuned, zstd',
  ];
  return table(head, lines);
}

function asMode({ rows, meta }: CacheData, { precision, samples }: Mode): CacheData {
  if (samples === undefined) return { rows, meta: { ...meta, precision: precision ?? 'float32' } };
  return {
    rows: { ...rows, ...NO_NUMBERS, sampled: drawnFrom(rows, meta, samples) },
    meta: { ...meta, mode: 'sampled', topK: null, temperatures: [1], samples },
  };
}

/** Draws from the top k, as if nothing were outside. */
function drawnFrom(rows: SoftLabelRows, meta: SoftLabelMeta, samples: number): SampledColumns {
  const k = meta.topK ?? 0;
  const offsets = new Int32Array(rows.rowCount + 1);
  const [ids, counts]: [number[], number[]] = [[], []];
  for (let row = 0; row < rows.rowCount; row++) {
    const logits = rows.topLogits.subarray(row * k, (row + 1) * k);
    const random = randomFor(1, `draws ${row}`);
    const drawn = drawClasses(logits, { temperature: 1, draws: samples }, random);
    for (const [place, id] of drawn.ids.entries()) {
      ids.push(rows.topIds[row * k + id] ?? 0);
      counts.push(drawn.counts[place] ?? 0);
    }
    offsets[row + 1] = ids.length;
  }
  const confidence = new Float32Array(rows.rowCount).fill(0.5);
  return { offsets, ids: Int32Array.from(ids), counts: Int32Array.from(counts), confidence };
}

const NO_NUMBERS = {
  topIds: new Int32Array(),
  topLogits: new Float32Array(),
  logSumExp: [new Float32Array()],
  tailLogMass: [new Float32Array()],
};

function shapeOf(topK: number | null, classCount: number, rowCount: number): CacheShape {
  return { name: 'size', rowCount, topK, classCount };
}
