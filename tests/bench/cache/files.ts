import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ParquetCodec } from '#datasets/parquet/codec.ts';
import { openSoftLabels, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { type CacheData, type CacheShape, listValues } from './data.ts';
import { streamWithDuckdb } from './duckdb-stream.ts';
import { type Contender, race, type Sample, timed } from './measure.ts';
import { appendRows } from './parquetjs-rows.ts';
import type { Pyarrow } from './pyarrow.ts';

/** One line of the table: list values a millisecond of wall and of CPU time, so thousands a second. */
export interface Speed {
  readonly name: string;
  readonly wall: number;
  readonly cpu: number;
  /** Of the file, everything included; null where the contender writes none. */
  readonly bytesPerRow: number | null;
}

/** Writes and reads one shape with one codec in every way there is. */
export async function fileSpeeds(
  folder: string,
  shape: CacheShape,
  data: CacheData,
  codec: ParquetCodec,
  pyarrow: Pyarrow | undefined,
  rounds: number,
): Promise<Speed[]> {
  const place = (name: string) => join(folder, `${shape.name}-${codec}-${name}`);
  const ours = place('ours');
  mkdirSync(ours, { recursive: true });
  const shard = join(ours, 'part-00000.parquet');
  await writeSoftLabelShard(shard, data.rows, data.meta, codec);
  await pyarrow?.load(shard);
  const lists = shape.topK === null ? ['logits'] : ['top_ids', 'top_logits'];
  const [appended, plain, tuned] = [place('append'), place('pyarrow'), place('tuned')];
  const appendedRows = Math.min(APPENDED_ROWS, shape.rowCount);
  const entries: readonly Entry[] = [
    entry(WRITE, shard, () => timed(() => writeSoftLabelShard(shard, data.rows, data.meta, codec))),
    ...(codec === 'zstd'
      ? []
      : [
          entry('parquetjs-lite appendRow', appended, () =>
            appendRows(appended, data, appendedRows, codec === 'none' ? 'UNCOMPRESSED' : 'SNAPPY'),
          ),
        ]),
    ...(pyarrow === undefined
      ? []
      : [
          entry('pyarrow write_table', plain, () => pyarrow.write(plain, codec, false)),
          entry('pyarrow write_table, tuned', tuned, () => pyarrow.write(tuned, codec, true)),
        ]),
    entry(READ, null, () => timed(() => readBatches(ours))),
    entry('decant read, rows for training', null, () => timed(() => readRows(ours))),
    entry('DuckDB stream', null, () => timed(() => streamWithDuckdb(ours, lists))),
    ...(pyarrow === undefined ? [] : [entry('pyarrow to_table', null, () => pyarrow.read(shard))]),
  ];
  const samples = await race(entries, rounds);
  return entries.map(({ name, file }) => {
    const { wallMs, cpuMs } = samples.get(name) ?? { wallMs: Number.NaN, cpuMs: Number.NaN };
    const rows = file === appended ? appendedRows : shape.rowCount;
    const values = rows * listValues(shape);
    const bytesPerRow = file === null ? null : statSync(file).size / rows;
    return { name, wall: values / wallMs, cpu: values / cpuMs, bytesPerRow };
  });
}

export const WRITE = 'decant write';
export const READ = 'decant read, Arrow batches';

interface Entry extends Contender {
  readonly file: string | null;
}

function entry(name: string, file: string | null, run: () => Promise<Sample>): Entry {
  return { name, file, run };
}

async function readBatches(folder: string): Promise<void> {
  const reader = await openSoftLabels(folder);
  for await (const batch of reader.recordBatches()) if (batch.numRows === 0) break;
  await reader.close();
}

async function readRows(folder: string): Promise<void> {
  const reader = await openSoftLabels(folder);
  for await (const rows of reader.rows()) if (rows.rowCount === 0) break;
  await reader.close();
}

/** It makes 0.3 M values a second. */
const APPENDED_ROWS = 2000;
