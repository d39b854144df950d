import { type FileHandle, open } from 'node:fs/promises';
import { Failure } from '#cache/failure.ts';
import { decodeChunk } from './chunk-decoder.ts';
import type { ColumnSpec } from './columns.ts';
import {
  CorruptParquetError,
  ParquetColumnError,
  UnsupportedFeature,
  UnsupportedParquetError,
} from './errors.ts';
import { type FileLayout, readFooter } from './footer.ts';
import { type RowGroup, rowGroupOf } from './row-group.ts';
import { withScratch } from './scratch.ts';

/** An open Parquet file. Close it. */
export interface ParquetFile {
  readonly path: string;
  readonly rowCount: number;
  readonly rowGroupCount: number;
  /** Rows of each row group. */
  readonly rowGroupSizes: readonly number[];
  /** Key-value pairs of the footer. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The columns that can be read. */
  readonly columns: readonly ColumnSpec[];
  /** Reads the named columns of one row group, or all of them. */
  readRowGroup(index: number, columns?: readonly string[]): Promise<RowGroup>;
  close(): Promise<void>;
}

/** Opens a Parquet file and checks its footer; pages are checked when they are read. */
export async function openParquet(path: string): Promise<ParquetFile> {
  const handle = await openFile(path);
  try {
    const { size } = await handle.stat();
    const read = (start: number, end: number) => readRange(handle, start, end);
    const layout = await explained(path, undefined, () => readFooter(size, read));
    return {
      path,
      rowCount: layout.rowCount,
      rowGroupCount: layout.rowGroups.length,
      rowGroupSizes: layout.rowGroups.map((group) => group.rowCount),
      metadata: layout.metadata,
      columns: [...layout.columns.values()].map((column) => column.spec),
      readRowGroup: (index, columns) => readRowGroup({ path, handle, layout }, index, columns),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface OpenFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly layout: FileLayout;
}

async function readRowGroup(
  file: OpenFile,
  index: number,
  names?: readonly string[],
): Promise<RowGroup> {
  const { path, layout, handle } = file;
  const group = layout.rowGroups[index];
  if (group === undefined) {
    throw new CorruptParquetError(path, `no row group ${index}: it has ${layout.rowGroups.length}`);
  }
  const wanted = names ?? [...layout.columns.keys(), ...layout.unsupported.keys()];
  const columns = wanted.map(async (name) => {
    const column = readableColumn(file, name);
    const decoded = await explained(path, name, async () => {
      const chunk = group.chunks.get(name);
      if (chunk === undefined) throw new Error(`not in row group ${index}`);
      return withScratch(chunk.end - chunk.start, async (bytes) => {
        await readInto(handle, chunk.start, bytes);
        return decodeChunk(bytes, column, chunk, group.rowCount);
      });
    });
    return [name, { spec: column.spec, decoded }] as const;
  });
  return rowGroupOf(path, group.rowCount, new Map(await Promise.all(columns)));
}

function readableColumn({ path, layout }: OpenFile, name: string) {
  const reason = layout.unsupported.get(name);
  if (reason !== undefined) throw new UnsupportedParquetError(path, name, reason);
  const column = layout.columns.get(name);
  if (column !== undefined) return column;
  throw new ParquetColumnError(
    path,
    name,
    `is not there: ${[...layout.columns.keys()].join(', ')}`,
  );
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw isMissing
      ? new CorruptParquetError(path, 'the file is missing', { cause: error })
      : error;
  }
}

/** A read may return less than it is asked for. */
async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(end - start);
  await readInto(handle, start, bytes);
  return bytes;
}

/** Fills `bytes` from `start` of the file on. */
async function readInto(handle: FileHandle, start: number, bytes: Buffer): Promise<void> {
  for (let filled = 0; filled < bytes.length; ) {
    const length = Math.min(bytes.length - filled, MAX_READ);
    const { bytesRead } = await handle.read(bytes, filled, length, start + filled);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${start + filled}`);
    filled += bytesRead;
  }
}

/** Broken bytes can make any parser throw anything: here it becomes an error that helps. */
async function explained<T>(
  path: string,
  column: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure || isSystemError(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof UnsupportedFeature) {
      throw new UnsupportedParquetError(path, column ?? '', message);
    }
    const where = column === undefined ? '' : `column "${column}": `;
    throw new CorruptParquetError(path, `${where}${message}`, { cause: error });
  }
}

/** The disk or the permissions are to blame, not the content. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

const MAX_READ = 2 ** 30;
