// parquetjs-lite 0.8.7 has no types of its own. Only what envelope.ts uses is declared here.

declare module 'parquetjs-lite' {
  interface FieldDefinition {
    type: 'UTF8' | 'INT32' | 'UINT_8' | 'UINT_16' | 'FLOAT' | 'LIST';
    optional?: boolean;
    repeated?: boolean;
    statistics?: false;
    fields?: Record<string, NestedDefinition>;
  }

  type NestedDefinition =
    | FieldDefinition
    | { repeated: true; fields: Record<string, FieldDefinition> };

  interface Field {
    path: string[];
    isNested?: boolean;
    compression: string;
  }

  class ParquetSchema {
    constructor(fields: Record<string, FieldDefinition>);
    fieldList: Field[];
  }

  interface EncodedPage {
    page: Buffer;
    num_values: number;
    first_row_index: number;
  }

  class ParquetEnvelopeWriter {
    constructor(
      schema: ParquetSchema,
      write: (bytes: Buffer) => Promise<void>,
      close: () => Promise<void>,
      fileOffset: number,
      options: { pageIndex: false },
    );
    rowGroups: {
      columns: { meta_data: { total_uncompressed_size: number; encodings: number[] } }[];
    }[];
    writeHeader(): Promise<void>;
    writeRowGroup(group: { rowCount: number; pages: Record<string, EncodedPage[]> }): Promise<void>;
    writeFooter(metadata: Readonly<Record<string, string>>): Promise<void>;
  }

  const library: {
    ParquetSchema: typeof ParquetSchema;
    ParquetEnvelopeWriter: typeof ParquetEnvelopeWriter;
  };

  export type { EncodedPage, FieldDefinition };
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

  const thrift: {
    PageHeader: typeof PageHeader;
    DataPageHeaderV2: typeof DataPageHeaderV2;
    PageType: { DATA_PAGE_V2: number };
  };
  export default thrift;
}

declare module 'parquetjs-lite/lib/util.js' {
  const util: { serializeThrift(struct: object): Buffer };
  export default util;
}
