import parquetjs, { type Field, type FieldDefinition } from 'parquetjs-lite';
import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import util from 'parquetjs-lite/lib/util.js';
import { CODEC_NAMES, type ParquetCodec } from './codec.ts';
import type { ColumnSpec } from './columns.ts';

/** Everything of a Parquet file but its pages: magic bytes, column chunks, row groups, footer. */
export interface Envelope {
  /** One page per column, by column name. */
  writeRowGroup(rowCount: number, pages: ReadonlyMap<string, Page>): Promise<void>;
  writeFooter(metadata: Readonly<Record<string, string>>): Promise<void>;
}

/** One encoded data page with its header. */
export interface Page {
  /** Header, levels and values, one behind the other. */
  readonly parts: readonly Buffer[];
  readonly slots: number;
  readonly encoding: EncodingName;
  /** Header, levels and plain values together. */
  readonly uncompressedSize: number;
}

/** Encodings that we write, as the specification calls them. */
export type EncodingName = keyof typeof ENCODINGS;

/** What a v2 page header says; sizes are in bytes. */
export interface PageHeaderFields {
  readonly slots: number;
  readonly nulls: number;
  readonly rowCount: number;
  readonly definitionLength: number;
  readonly repetitionLength: number;
  readonly uncompressedSize: number;
  readonly compressedSize: number;
  readonly isCompressed: boolean;
  readonly encoding: EncodingName;
  /** CRC-32 of everything behind the header, signed as Parquet wants it. */
  readonly crc: number;
}

/** Starts a file: writes the magic bytes through `write`. */
export async function openEnvelope(
  columns: readonly ColumnSpec[],
  codec: ParquetCodec,
  write: (parts: readonly Buffer[]) => Promise<void>,
): Promise<Envelope> {
  const fields = columns.map((column) => [column.name, fieldOf(column)] as const);
  const schema = new parquetjs.ParquetSchema(Object.fromEntries(fields));
  // The library cannot compress zstd but writes its name into the footer when a field carries it.
  for (const field of schema.fieldList) field.compression = CODEC_NAMES[codec];
  const writer = new parquetjs.ParquetEnvelopeWriter(
    schema,
    (bytes) => write([bytes]),
    async () => {},
    0,
    // Its page index has wrong row numbers and breaks other readers.
    { pageIndex: false },
  );
  await writer.writeHeader();
  const leaves = schema.fieldList.filter((field) => !field.isNested);
  return {
    // The library would join every page five times over on its way to the file.
    writeRowGroup: async (rowCount, pages) => {
      const start = writer.offset;
      const parts: Buffer[] = [];
      const columns = leaves.map((field) => {
        const chunk = chunkOf(field, pageOf(pages, field.path), writer.offset);
        parts.push(...chunk.parts);
        writer.offset += byteLength(chunk.parts);
        return chunk.entry;
      });
      const totalSize = writer.offset - start;
      writer.rowCount += rowCount;
      writer.rowGroups.push(
        new thrift.RowGroup({ num_rows: rowCount, columns, total_byte_size: totalSize }),
      );
      await write(parts);
    },
    writeFooter: (metadata) => writer.writeFooter(metadata),
  };
}

/** The bytes of a column in a row group, which begin at `offset` in the file, and its footer entry. */
function chunkOf(field: Field, page: Page, offset: number) {
  const size = byteLength(page.parts);
  const meta = new thrift.ColumnMetaData({
    type: thrift.Type[field.primitiveType],
    encodings: [thrift.Encoding.RLE, ENCODINGS.PLAIN],
    path_in_schema: field.path,
    codec: thrift.CompressionCodec[field.compression],
    num_values: page.slots,
    total_uncompressed_size: size,
    total_compressed_size: size,
    data_page_offset: offset,
  });
  // Behind the page as the library writes it, with what it says there.
  const copy = util.serializeThrift(meta);
  meta.encodings = [thrift.Encoding.RLE, ENCODINGS[page.encoding]];
  meta.total_uncompressed_size = page.uncompressedSize;
  const entry = new thrift.ColumnChunk({ file_offset: offset + size, meta_data: meta });
  return { parts: [...page.parts, copy], entry };
}

function byteLength(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** Bytes of the header of a v2 data page. */
export function pageHeader(fields: PageHeaderFields): Buffer {
  return util.serializeThrift(
    new thrift.PageHeader({
      type: thrift.PageType.DATA_PAGE_V2,
      uncompressed_page_size: fields.uncompressedSize,
      compressed_page_size: fields.compressedSize,
      crc: fields.crc,
      data_page_header_v2: new thrift.DataPageHeaderV2({
        num_values: fields.slots,
        num_nulls: fields.nulls,
        num_rows: fields.rowCount,
        encoding: ENCODINGS[fields.encoding],
        definition_levels_byte_length: fields.definitionLength,
        repetition_levels_byte_length: fields.repetitionLength,
        is_compressed: fields.isCompressed,
      }),
    }),
  );
}

function fieldOf({ type, nullable }: ColumnSpec): FieldDefinition {
  switch (type) {
    case 'utf8':
      return flat('UTF8', nullable);
    case 'int32':
      return flat('INT32', nullable);
    case 'float':
      return flat('FLOAT', nullable);
    case 'list<int32>':
      return list('INT32');
    case 'list<uint8>':
      return list('UINT_8');
    case 'list<uint16>':
      return list('UINT_16');
    case 'list<float>':
      return list('FLOAT');
    default:
      return type satisfies never;
  }
}

function flat(type: FieldDefinition['type'], optional = false): FieldDefinition {
  return { type, optional, statistics: false };
}

/** The three levels of the specification, required on the outside and inside. */
function list(type: FieldDefinition['type']): FieldDefinition {
  return { type: 'LIST', fields: { list: { repeated: true, fields: { element: flat(type) } } } };
}

function pageOf(pages: ReadonlyMap<string, Page>, path: readonly string[]): Page {
  const page = pages.get(path[0] ?? '');
  if (page === undefined) throw new Error(`no page for ${path.join('.')}`);
  return page;
}

// Numbers of the specification; the library stops before the last one.
const ENCODINGS = { PLAIN: 0, DELTA_BINARY_PACKED: 5, BYTE_STREAM_SPLIT: 9 } as const;
