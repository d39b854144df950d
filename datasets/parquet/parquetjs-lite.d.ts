// parquetjs-lite 0.8.7 has no types of its own. Only what envelope.ts and a benchmark use is declared here.

declare module 'parquetjs-lite' {
  interface FieldDefinition {
    type: 'UTF8' | 'INT32' | 'UINT_8' | 'UINT_16' | 'FLOAT' | 'LIST';
    optional?: boolean;
    repeated?: boolean;
    statistics?: false;
    compression?: 'UNCOMPRESSED' | 'SNAPPY';
    fields?: Record<string, NestedDefinition>;
  }

  type NestedDefinition =
    | FieldDefinition
    | { repeated: true; fields: Record<string, FieldDefinition> };

  interface Field {
    path: string[];
    isNested?: boolean;
    primitiveType: 'BYTE_ARRAY' | 'INT32' | 'FLOAT';
    compression: 'UNCOMPRESSED' | 'SNAPPY' | 'ZSTD';
  }

  class ParquetSchema {
    constructor(fields: Record<string, FieldDefinition>);
    fieldList: Field[];
  }

  class ParquetEnvelopeWriter {
    constructor(
      schema: ParquetSchema,
      write: (bytes: Buffer) => Promise<void>,
      close: () => Promise<void>,
      fileOffset: number,
      options: { pageIndex: false },
    );
    /** Bytes written so far. */
    offset: number;
    rowCount: number;
    rowGroups: object[];
    writeHeader(): Promise<void>;
    writeFooter(metadata: Readonly<Record<string, string>>): Promise<void>;
  }

  class ParquetWriter {
    static openFile(schema: ParquetSchema, path: string, options: object): Promise<ParquetWriter>;
    appendRow(row: object): Promise<void>;
    close(): Promise<void>;
  }

  const library: {
    ParquetWriter: typeof ParquetWriter;
    ParquetSchema: typeof ParquetSchema;
    ParquetEnvelopeWriter: typeof ParquetEnvelopeWriter;
  };

  export type { Field, FieldDefinition };
  export default library;
}

declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  interface DataPageHeaderV2Fields {
    num_values: number;
    num_nulls: number;
    num_rows: number;
    encoding: number;
    definition_levels_byte_length: number;
    repetition_levels_byte_length: number;
    is_compressed: boolean;
  }

  class DataPageHeaderV2 {
    constructor(fields: DataPageHeaderV2Fields);
  }

  class PageHeader {
    constructor(fields: {
      type: number;
      uncompressed_page_size: number;
      compressed_page_size: number;
      crc: number;
      data_page_header_v2: DataPageHeaderV2;
    });
  }

  class ColumnMetaData {
    constructor(fields: {
      type: number;
      encodings: number[];
      path_in_schema: string[];
      codec: number;
      num_values: number;
      total_uncompressed_size: number;
      total_compressed_size: number;
      data_page_offset: number;
    });
    encodings: number[];
    total_uncompressed_size: number;
  }

  class ColumnChunk {
    constructor(fields: { file_offset: number; meta_data: ColumnMetaData });
  }

  class RowGroup {
    constructor(fields: { num_rows: number; columns: ColumnChunk[]; total_byte_size: number });
  }

  const thrift: {
    ColumnMetaData: typeof ColumnMetaData;
    ColumnChunk: typeof ColumnChunk;
    RowGroup: typeof RowGroup;
    PageHeader: typeof PageHeader;
    DataPageHeaderV2: typeof DataPageHeaderV2;
    PageType: { DATA_PAGE_V2: number };
    Type: Record<'BYTE_ARRAY' | 'INT32' | 'FLOAT', number>;
    CompressionCodec: Record<'UNCOMPRESSED' | 'SNAPPY' | 'ZSTD', number>;
    Encoding: { RLE: number };
  };
  export default thrift;
}

declare module 'parquetjs-lite/lib/util.js' {
  const util: { serializeThrift(struct: object): Buffer };
  export default util;
}
