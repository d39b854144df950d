import { parquetMetadataAsync, parquetSchema } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import type { ColumnChunk, FileMetaData, SchemaTree } from 'hyparquet/src/types.js';
import { isReadableCodec } from './codec.ts';
import { type LeafColumn, leafColumn } from './leaf-column.ts';

/** Where everything in a file is; every number was checked against the size of the file. */
export interface FileLayout {
  readonly rowCount: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly columns: ReadonlyMap<string, LeafColumn>;
  /** Columns that cannot be read, and why. */
  readonly unsupported: ReadonlyMap<string, string>;
  readonly rowGroups: readonly RowGroupLayout[];
}

interface RowGroupLayout {
  readonly rowCount: number;
  readonly chunks: ReadonlyMap<string, ChunkLayout>;
}

/** The pages of one column in one row group. */
export interface ChunkLayout {
  readonly start: number;
  readonly end: number;
  /** Name as in the footer: UNCOMPRESSED, ZSTD, ... */
  readonly codec: string;
  readonly slots: number;
}

/** What stands in front of a page. Sizes are in bytes. */
export interface PageHeader {
  readonly type: string;
  readonly encoding: string;
  readonly slots: number;
  readonly uncompressedSize: number;
  readonly compressedSize: number;
  readonly crc: number | undefined;
  /** v2 pages only: their levels are not compressed and stand in front. */
  readonly levels?: {
    readonly repetitionLength: number;
    readonly definitionLength: number;
    readonly valuesAreCompressed: boolean;
  };
}

/** Reads bytes `start` to `end` of the file, all of them. */
export type ReadRange = (start: number, end: number) => Promise<Buffer>;

/** Parses the footer; throws an Error where it contradicts itself or the size of the file. */
export async function readFooter(byteLength: number, read: ReadRange): Promise<FileLayout> {
  if (byteLength < MIN_FILE_BYTES) throw new Error(`${byteLength} bytes are no Parquet file`);
  if ((await read(0, 4)).toString('latin1') !== 'PAR1')
    throw new Error('it does not begin with PAR1');
  const slice = async (start: number, end = byteLength) => ownBytes(await read(start, end));
  const footer = await parquetMetadataAsync({ byteLength, slice }, { geoparquet: false });
  const pagesEnd = byteLength - 8 - footer.metadata_length;
  const { columns, unsupported } = columnsOf(parquetSchema(footer));
  const rowGroups = footer.row_groups.map((group) => ({
    rowCount: sizeOf(group.num_rows, 'rows of a row group'),
    chunks: chunksOf(group.columns, pagesEnd, columns, unsupported),
  }));
  const rowCount = sizeOf(footer.num_rows, 'rows');
  const counted = rowGroups.reduce((sum, group) => sum + group.rowCount, 0);
  if (counted !== rowCount) throw new Error(`${rowCount} rows, but ${counted} in the row groups`);
  return { rowCount, metadata: metadataOf(footer), columns, unsupported, rowGroups };
}

/** Parses the page header at `position`; `next` is where the page begins. */
export function readPageHeader(
  bytes: Buffer,
  position: number,
): { header: PageHeader; next: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { view, offset: position };
  const parsed = parquetHeader(reader);
  const {
    data_page_header: v1,
    data_page_header_v2: v2,
    dictionary_page_header: dictionary,
  } = parsed;
  const header = {
    type: String(parsed.type),
    encoding: String((v2 ?? v1 ?? dictionary)?.encoding),
    slots: sizeOf((v2 ?? v1 ?? dictionary)?.num_values ?? 0, 'values of a page'),
    uncompressedSize: sizeOf(parsed.uncompressed_page_size, 'bytes of a page'),
    compressedSize: sizeOf(parsed.compressed_page_size, 'bytes of a page'),
    crc: typeof parsed.crc === 'number' ? parsed.crc : undefined,
  };
  const next = reader.offset;
  if (parsed.type !== 'DATA_PAGE_V2') return { header, next };
  const levels = {
    repetitionLength: sizeOf(v2?.repetition_levels_byte_length, 'bytes of repetition levels'),
    definitionLength: sizeOf(v2?.definition_levels_byte_length, 'bytes of definition levels'),
    valuesAreCompressed: v2?.is_compressed !== false,
  };
  return { header: { ...header, levels }, next };
}

function columnsOf(root: SchemaTree | undefined) {
  const columns = new Map<string, LeafColumn>();
  const unsupported = new Map<string, string>();
  for (const child of root?.children ?? []) {
    const { name } = child.element;
    if (columns.has(name) || unsupported.has(name)) throw new Error(`two columns "${name}"`);
    const column = leafColumn(child);
    if (typeof column === 'string') unsupported.set(name, column);
    else columns.set(name, column);
  }
  return { columns, unsupported };
}

function chunksOf(
  chunks: readonly ColumnChunk[],
  pagesEnd: number,
  columns: ReadonlyMap<string, LeafColumn>,
  unsupported: Map<string, string>,
): Map<string, ChunkLayout> {
  const layouts = new Map<string, ChunkLayout>();
  for (const chunk of chunks) {
    const meta = chunk.meta_data;
    const name = meta?.path_in_schema[0] ?? '';
    const column = columns.get(name);
    if (meta === undefined || column === undefined) continue;
    if (meta.type !== column.physicalType || layouts.has(name)) {
      throw new Error(`column "${name}": the row group contradicts the schema`);
    }
    if (!isReadableCodec(meta.codec)) unsupported.set(name, `compressed with ${meta.codec}`);
    const slots = sizeOf(meta.num_values, 'values of a column');
    layouts.set(name, { ...rangeOf(chunk, pagesEnd), codec: String(meta.codec), slots });
  }
  const missing = [...columns.keys()].find((name) => !layouts.has(name));
  if (missing !== undefined) throw new Error(`column "${missing}" is not in every row group`);
  return layouts;
}

function rangeOf(chunk: ColumnChunk, pagesEnd: number): { start: number; end: number } {
  const data = sizeOf(chunk.meta_data?.data_page_offset, 'offset of a page');
  const dictionary = sizeOf(chunk.meta_data?.dictionary_page_offset ?? 0, 'offset of a dictionary');
  const start = dictionary > 0 ? Math.min(dictionary, data) : data;
  const end = start + sizeOf(chunk.meta_data?.total_compressed_size, 'bytes of a column');
  if (start < 4 || end > pagesEnd) {
    throw new Error(`pages at ${start} to ${end}, but pages end at ${pagesEnd}`);
  }
  return { start, end };
}

function metadataOf(footer: FileMetaData): Record<string, string> {
  const pairs = footer.key_value_metadata ?? [];
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value ?? '']));
}

/** A number from the file that must be a size. A flipped bit can also make it another type. */
function sizeOf(value: unknown, what: string): number {
  const size = typeof value === 'bigint' ? Number(value) : value;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
  throw new Error(`${String(size)} ${what}`);
}

/** hyparquet wants an ArrayBuffer that holds these bytes and no others. */
function ownBytes(bytes: Buffer): ArrayBuffer {
  const own = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(own).set(bytes);
  return own;
}

// PAR1, an empty footer, its length, PAR1.
const MIN_FILE_BYTES = 12;
