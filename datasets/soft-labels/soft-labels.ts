import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from '#datasets/parquet/arrow.ts';
import type { ParquetCodec } from '#datasets/parquet/codec.ts';
import type { ColumnSpec } from '#datasets/parquet/columns.ts';
import { CorruptParquetError } from '#datasets/parquet/errors.ts';
import { openParquet, type ParquetFile } from '#datasets/parquet/reader.ts';
import type { RowGroup } from '#datasets/parquet/row-group.ts';
import { readAhead } from '#datasets/read-ahead.ts';
import { checkColumns, checkFormat, writeTable } from '#datasets/table-file.ts';
import { checkRows, columnData } from './soft-label-columns.ts';
import { numbersOf, rowsOf } from './soft-label-decoding.ts';
import { footerOf, metaOf } from './soft-label-footer.ts';
import { metaAt, refuseMixedMeta, type SoftLabelMeta } from './soft-label-meta.ts';
import {
  concatNumbers,
  concatRows,
  emptyRows,
  type SoftLabelNumbers,
  type SoftLabelRows,
} from './soft-label-rows.ts';
import { columnsOf } from './soft-label-schema.ts';

export type { SoftLabelMeta } from './soft-label-meta.ts';
export { metaAt, temperatureIndex, temperatureSuffix } from './soft-label-meta.ts';
export type { SampledColumns, SoftLabelNumbers, SoftLabelRows } from './soft-label-rows.ts';
export { concatRows, takeRows } from './soft-label-rows.ts';

/** An opened folder of shards. Close it. */
export interface SoftLabelReader {
  readonly meta: SoftLabelMeta;
  readonly rowCount: number;
  /** Paths, in order. */
  readonly shards: readonly string[];
  readShard(index: number): Promise<SoftLabelRows>;
  /** Example ids of a shard, in its order; no other column is read. */
  readIds(index: number): Promise<string[]>;
  /** Numbers of a shard for one temperature: as it would be read were its meta `metaAt(meta, temperature)`. */
  readNumbers(index: number, temperature: number): Promise<SoftLabelNumbers>;
  /** All rows, row group by row group. */
  rows(): AsyncGenerator<SoftLabelRows>;
  /** All rows, row group by row group, as Arrow's. */
  recordBatches(): AsyncGenerator<RecordBatch>;
  close(): Promise<void>;
}

/** Writes one shard (atomic), such as `rows/train/part-00000.parquet`. */
export async function writeSoftLabelShard(
  path: string,
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  codec: ParquetCodec = 'zstd',
): Promise<void> {
  checkRows(path, rows, meta);
  const { rowCount } = rows;
  const format = { name: FORMAT_NAME, formatVersion: meta.formatVersion, columns: columnsOf(meta) };
  const slice = (from: number, to: number) => columnData(rows, meta, from, to);
  await writeTable(path, format, { rowCount, slice, metadata: footerOf(meta) }, codec);
}

/** Opens a folder of shards; refuses shards that do not belong together. */
export async function openSoftLabels(folder: string): Promise<SoftLabelReader> {
  const paths = await shardPaths(folder);
  const shards: Shard[] = [];
  try {
    for (const path of paths) shards.push(await openShard(path));
    refuseMixedMeta(shards);
    const meta = shards[0]?.meta;
    if (meta === undefined) throw new CorruptParquetError(folder, 'no part-*.parquet is there');
    return readerOf(shards, meta);
  } catch (error) {
    await closeAll(shards);
    throw error;
  }
}

interface Shard {
  readonly path: string;
  readonly file: ParquetFile;
  readonly meta: SoftLabelMeta;
}

async function openShard(path: string): Promise<Shard> {
  const file = await openParquet(path);
  try {
    checkFormat(file, FORMAT_NAME, FORMAT_VERSION);
    const meta = metaOf(path, file.metadata);
    checkColumns(file, columnsOf(meta));
    return { path, file, meta };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function readerOf(shards: readonly Shard[], meta: SoftLabelMeta): SoftLabelReader {
  const columns = columnsOf(meta);
  const shardAt = (index: number): Shard => {
    const shard = shards[index];
    if (shard === undefined) throw new RangeError(`shard ${index} of ${shards.length}`);
    return shard;
  };
  return {
    meta,
    rowCount: shards.reduce((sum, shard) => sum + shard.file.rowCount, 0),
    shards: shards.map((shard) => shard.path),
    readShard: async (index) => {
      const parts: SoftLabelRows[] = [];
      for await (const { path, group } of groupsOf([shardAt(index)], columns)) {
        parts.push(rowsOf(path, group, meta));
      }
      return parts.length === 0 ? emptyRows(meta) : concatRows(parts);
    },
    readIds: async (index) => {
      const ids: string[][] = [];
      for await (const { group } of groupsOf([shardAt(index)], [{ name: ID_COLUMN }])) {
        ids.push(group.texts(ID_COLUMN));
      }
      return ids.flat();
    },
    readNumbers: async (index, temperature) => {
      const wanted = metaAt(meta, temperature);
      const numbers = columnsOf(wanted).filter((column) => column.type !== 'utf8');
      const parts: SoftLabelNumbers[] = [];
      for await (const { path, group } of groupsOf([shardAt(index)], numbers)) {
        parts.push(numbersOf(path, group, wanted));
      }
      return parts.length === 0 ? emptyRows(wanted) : concatNumbers(parts);
    },
    async *rows() {
      for await (const { path, group } of groupsOf(shards, columns))
        yield rowsOf(path, group, meta);
    },
    async *recordBatches() {
      // Arrow is 150 files that nothing else needs.
      const { toRecordBatch } = await import('#datasets/parquet/arrow.ts');
      for await (const { group } of groupsOf(shards, columns)) yield toRecordBatch(group, columns);
    },
    close: () => closeAll(shards),
  };
}

/** Row groups of these shards, in order, with these columns. */
function groupsOf(
  shards: readonly Shard[],
  columns: readonly Pick<ColumnSpec, 'name'>[],
): AsyncGenerator<{ path: string; group: RowGroup }> {
  const names = columns.map((column) => column.name);
  const places = shards.flatMap(({ path, file }) =>
    Array.from({ length: file.rowGroupCount }, (_, index) => ({ path, file, index })),
  );
  return readAhead(places, async ({ path, file, index }) => ({
    path,
    group: await file.readRowGroup(index, names),
  }));
}

async function shardPaths(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: Error) => {
    if (!('code' in error) || error.code !== 'ENOENT') throw error;
    throw new CorruptParquetError(folder, 'the folder is missing', { cause: error });
  });
  const shards = names.filter((name) => SHARD_NAME.test(name)).sort();
  return shards.map((name) => join(folder, name));
}

async function closeAll(shards: readonly Shard[]): Promise<void> {
  for (const { file } of shards) await file.close();
}

const ID_COLUMN = 'example_id';
const FORMAT_NAME = 'soft-labels';
const FORMAT_VERSION = 1;
const SHARD_NAME = /^part-\d+\.parquet$/;
