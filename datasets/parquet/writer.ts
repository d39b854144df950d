import { TEMPORARY_MARK } from '#cache/atomic-file.ts';
import type { ParquetCodec } from './codec.ts';
import type { ColumnData, ColumnSpec } from './columns.ts';
import { type Envelope, openEnvelope, type Page } from './envelope.ts';
import { ParquetValueError } from './errors.ts';
import { encodePage } from './page-encoder.ts';
import { plainColumn } from './plain-values.ts';
import { type FileSink, openSink } from './sink.ts';

/** Writes one Parquet file, row group by row group. Await each call before the next. */
export interface ParquetWriter {
  /** Rows of `data` become one row group; no rows, no row group. */
  writeRowGroup(data: Readonly<Record<string, ColumnData>>, rowCount: number): Promise<void>;
  /** Writes the footer; on return the file is complete and on the disk. */
  close(): Promise<void>;
  /** Ends without a footer, after an error: nobody can take what is left for a complete file. */
  abort(): Promise<void>;
}

export interface ParquetWriterOptions {
  readonly codec: ParquetCodec;
  /** Key-value pairs for the footer. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Starts a Parquet file at `path`. The file is not there for readers until `close` returned. */
export async function createParquetWriter(
  path: string,
  columns: readonly ColumnSpec[],
  options: ParquetWriterOptions,
): Promise<ParquetWriter> {
  // People know the file by its final name.
  const shownPath = path.split(TEMPORARY_MARK)[0] ?? path;
  checkColumns(shownPath, columns);
  const sink = await openSink(path, shownPath);
  try {
    const envelope = await openEnvelope(columns, options.codec, (bytes) => sink.write(bytes));
    return writerOf({ shownPath, columns, options, sink, envelope });
  } catch (error) {
    await sink.close();
    throw error;
  }
}

interface OpenFile {
  readonly shownPath: string;
  readonly columns: readonly ColumnSpec[];
  readonly options: ParquetWriterOptions;
  readonly sink: FileSink;
  readonly envelope: Envelope;
}

function writerOf(file: OpenFile): ParquetWriter {
  const { sink, envelope, options } = file;
  return {
    writeRowGroup: async (data, rowCount) => {
      checkNames(file, data);
      if (rowCount > 0) await envelope.writeRowGroup(rowCount, await pagesOf(file, data, rowCount));
    },
    close: async () => {
      try {
        await envelope.writeFooter(options.metadata ?? {});
        await sink.sync();
      } finally {
        await sink.close();
      }
    },
    abort: () => sink.close(),
  };
}

async function pagesOf(
  { shownPath, columns, options }: OpenFile,
  data: Readonly<Record<string, ColumnData>>,
  rowCount: number,
): Promise<Map<string, Page>> {
  const pages = columns.map(async (column) => {
    const values = data[column.name];
    if (values === undefined) throw new ParquetValueError(shownPath, column.name, 'is missing');
    try {
      const plain = plainColumn(column, values, rowCount);
      return [
        column.name,
        await encodePage(plain, rowCount, options.codec, column.encoding),
      ] as const;
    } catch (error) {
      throw new ParquetValueError(shownPath, column.name, messageOf(error), { cause: error });
    }
  });
  return new Map(await Promise.all(pages));
}

function checkColumns(path: string, columns: readonly ColumnSpec[]): void {
  const names = columns.map((column) => column.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ParquetValueError(path, twice, 'is declared twice');
  const nullableList = columns.find((column) => column.nullable && column.type.startsWith('list'));
  if (nullableList) throw new ParquetValueError(path, nullableList.name, 'lists are never null');
}

function checkNames(file: OpenFile, data: Readonly<Record<string, ColumnData>>): void {
  const known = new Set(file.columns.map((column) => column.name));
  const unknown = Object.keys(data).find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new ParquetValueError(file.shownPath, unknown, `is not one of ${[...known].join(', ')}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
