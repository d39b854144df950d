import parquetjs, { type FieldDefinition } from 'parquetjs-lite';
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
  readonly bytes: Buffer;
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
  write: (bytes: Buffer) => Promise<void>,
): Promise<Envelope> {
  const fields = columns.map((column) => [column.name, fieldOf(column)] as const);
  const schema = new parquetjs.ParquetSchema(Object.fromEntries(fields));
  // The library cannot compress zstd but writes its name into the footer when a field carries it.
  for (const field of schema.fieldList) field.compression = CODEC_NAMES[codec];
  const writer = new parquetjs.ParquetEnvelopeWriter(schema, write, async () => {}, 0, {
    // Its page index has wrong row numbers and breaks other readers.
    pageIndex: false,
  });
  await writer.writeHeader();
  return {
    writeRowGroup: async (rowCount, pages) => {
      const leaves = schema.fieldList.filter((field) => !field.isNested);
      const parts = leaves.map((field) => ({ field, page: pageOf(pages, field.path) }));
      const byPath = parts.map(({ field, page }) => [
        field.path.join(),
        [{ page: page.bytes, num_values: page.slots, first_row_index: 0 }],
      ]);
      const written = writer.writeRowGroup({ rowCount, pages: Object.fromEntries(byPath) });
      const chunks = writer.rowGroups.at(-1)?.columns ?? [];
      for (const [index, { page }] of parts.entries()) {
        const chunk = chunks[index];
        if (chunk === undefined) continue;
        // The library puts the compressed size and PLAIN here.
        chunk.meta_data.total_uncompressed_size = page.uncompressedSize;
        chunk.meta_data.encodings = chunk.meta_data.encodings.map((encoding) =>
          encoding === ENCODINGS.PLAIN ? ENCODINGS[page.encoding] : encoding,
        );
      }
      await written;
    },
    writeFooter: (metadata) => writer.writeFooter(metadata),
  };
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
