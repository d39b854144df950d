import { atomicFile } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import type { ParquetCodec } from '#datasets/parquet/codec.ts';
import type { ColumnData, ColumnSpec } from '#datasets/parquet/columns.ts';
import { CorruptParquetError, ParquetColumnError } from '#datasets/parquet/errors.ts';
import { openParquet, type ParquetFile } from '#datasets/parquet/reader.ts';
import type { RowGroup } from '#datasets/parquet/row-group.ts';
import { createParquetWriter, type ParquetWriter } from '#datasets/parquet/writer.ts';
import { isSplit, type Split } from './example.ts';
import { readAhead } from './read-ahead.ts';

/** A stored format: what its files are called inside, their version and their columns. */
export interface TableFormat {
  readonly name: string;
  readonly formatVersion: number;
  readonly columns: readonly ColumnSpec[];
}

/** Rows to write, cut into row groups on demand. */
export interface TableRows {
  readonly rowCount: number;
  /** Columns of rows `from` to `to` (exclusive). */
  slice(from: number, to: number): Readonly<Record<string, ColumnData>>;
  /** More key-value pairs for the footer. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A file of another kind, or written by a Decant with another version of the format. */
export class TableFormatError extends Failure {
  constructor(path: string, key: string, found: string | undefined, wanted: string) {
    const message = `${path}: ${key} is ${found ?? 'not there'}, not ${wanted}`;
    const fix = 'make the file again with this version of Decant: decant run --force';
    super('data', 'E_TABLE_FORMAT', message, fix);
  }
}

/** Writes a whole table (atomic). */
export async function writeTable(
  path: string,
  format: TableFormat,
  rows: TableRows,
  codec: ParquetCodec = 'zstd',
): Promise<void> {
  const { metadata = {} } = rows;
  await writeBlocks(path, format, groupsOf(rows), { codec, metadata });
}

/** Rows that become one row group. */
export interface TableBlock {
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, ColumnData>>;
}

/** Writes a table of blocks that are made one after the other, of which one is held at a time (atomic). */
export async function writeBlocks(
  path: string,
  format: TableFormat,
  blocks: Iterable<TableBlock> | AsyncIterable<TableBlock>,
  {
    codec = 'zstd',
    metadata = {},
  }: { readonly codec?: ParquetCodec; readonly metadata?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const footer = {
    [NAME_KEY]: format.name,
    [VERSION_KEY]: String(format.formatVersion),
    ...metadata,
  };
  await atomicFile(path, async (temporary) => {
    const options = { codec, metadata: footer };
    const writer = await createParquetWriter(temporary, format.columns, options);
    await writeGroups(writer, blocks);
  });
}

/** Reads a whole table; `rowsOf` turns one row group into rows. */
export async function readTable<Row>(
  path: string,
  format: TableFormat,
  rowsOf: (group: RowGroup) => readonly Row[],
): Promise<Row[]> {
  const rows: Row[] = [];
  // What a group holds beside its rows is let go before the next but one is read.
  await eachGroup(path, format, (group) => {
    for (const row of rowsOf(group)) rows.push(row);
  });
  return rows;
}

/** Reads all row groups of a table, with any columns it has beyond its format but for those named. */
export async function readGroups(
  path: string,
  format: TableFormat,
  { without = [] }: { readonly without?: readonly string[] } = {},
): Promise<{
  groups: RowGroup[];
  columns: ReadonlySet<string>;
  metadata: ParquetFile['metadata'];
}> {
  const groups: RowGroup[] = [];
  const file = await eachGroup(path, format, (group) => groups.push(group), {
    wants: (name) => !without.includes(name),
  });
  const columns = new Set(file.columns.map((column) => column.name));
  return { groups, columns, metadata: file.metadata };
}

/** Takes the row groups of a table one after the other; returns the file, which is closed by then. */
export async function eachGroup(
  path: string,
  format: TableFormat,
  take: (group: RowGroup) => void,
  { wants = () => true }: { readonly wants?: (column: string) => boolean } = {},
): Promise<Pick<ParquetFile, 'columns' | 'metadata'>> {
  const file = await openTable(path, format);
  const names = file.columns.map(({ name }) => name).filter(wants);
  try {
    const indices = Array(file.rowGroupCount).keys();
    const groups = readAhead(indices, (index) => file.readRowGroup(index, names));
    for await (const group of groups) take(group);
    return file;
  } finally {
    await file.close();
  }
}

/** Opens a table after checking format, version and columns. Close it. */
export async function openTable(path: string, format: TableFormat): Promise<ParquetFile> {
  const file = await openParquet(path);
  try {
    checkFormat(file, format.name, format.formatVersion);
    checkColumns(file, format.columns);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Refuses a file of another kind or version. */
export function checkFormat(file: ParquetFile, name: string, formatVersion: number): void {
  const { [NAME_KEY]: foundName, [VERSION_KEY]: foundVersion } = file.metadata;
  if (foundName !== name) throw new TableFormatError(file.path, NAME_KEY, foundName, name);
  const version = String(formatVersion);
  if (foundVersion !== version) {
    throw new TableFormatError(file.path, VERSION_KEY, foundVersion, version);
  }
}

/** Refuses a file that lacks a column or holds another type; more columns are fine. */
export function checkColumns(file: ParquetFile, columns: readonly ColumnSpec[]): void {
  for (const { name, type, nullable = false } of columns) {
    const found = file.columns.find((column) => column.name === name);
    if (found === undefined) throw new ParquetColumnError(file.path, name, 'is not there');
    if (found.type !== type || (found.nullable && !nullable)) {
      const wanted = nullable ? `nullable ${type}` : type;
      throw new ParquetColumnError(file.path, name, `holds ${found.type}, not ${wanted}`);
    }
  }
}

/** The `split` column of a row group. */
export function splitsOf(path: string, group: RowGroup): Split[] {
  return group.texts('split').map((split) => {
    if (isSplit(split)) return split;
    throw new CorruptParquetError(path, `"${split}" is no split`);
  });
}

/** One value of a column; throws where the column has no such row. */
export function valueAt<T>(column: ArrayLike<T>, row: number): T {
  const value = column[row];
  if (value === undefined) throw new RangeError(`row ${row} of a column of ${column.length}`);
  return value;
}

function* groupsOf(rows: TableRows): Generator<TableBlock> {
  for (let from = 0; from < rows.rowCount; from += ROWS_PER_GROUP) {
    const to = Math.min(from + ROWS_PER_GROUP, rows.rowCount);
    yield { rowCount: to - from, columns: rows.slice(from, to) };
  }
}

async function writeGroups(
  writer: ParquetWriter,
  blocks: Iterable<TableBlock> | AsyncIterable<TableBlock>,
): Promise<void> {
  try {
    for await (const { rowCount, columns } of blocks) {
      await writer.writeRowGroup(columns, rowCount);
    }
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.close();
}

const NAME_KEY = 'decant.format';
const VERSION_KEY = 'decant.format_version';

// 5-10 MB at k = 64: large enough for fast columns, small enough to hold two at a time.
export const ROWS_PER_GROUP = 10_000;
