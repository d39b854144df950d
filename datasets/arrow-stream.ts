import {
  AsyncByteQueue,
  Bool,
  type DataType,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { Failure } from '#cache/failure.ts';
import type { TypedBatch, TypedColumn, ValueType } from './typed-batch.ts';

/** A column of a type that Arrow files are not written with here. */
export class ArrowTypeError extends Failure {
  constructor(column: string, type: string) {
    super(
      'usage',
      'E_ARROW_TYPE',
      `column "${column}" is of type ${type}`,
      `cast it to a number or a text, such as "${column}"::VARCHAR`,
    );
  }
}

/**
 * Rows as Arrow IPC bytes, batch by batch: a file with its footer (what Feather and Polars open), or a
 * stream that a reader can follow through a pipe.
 */
export async function* arrowBytes(
  columns: readonly TypedColumn[],
  batches: AsyncIterable<TypedBatch>,
  kind: 'file' | 'stream',
): AsyncGenerator<Uint8Array> {
  const types = columns.map(({ name, type }) => arrowType(name, type));
  const fields = columns.map(
    ({ name }, index) => new Field(name, types[index] ?? new Utf8(), true),
  );
  const schema = new Schema(fields);
  const sink = new ChunkSink();
  const writer = kind === 'file' ? new RecordBatchFileWriter() : new RecordBatchStreamWriter();
  writer.reset(sink, schema);
  for await (const batch of batches) {
    writer.write(recordBatch(schema, batch));
    yield* sink.take();
  }
  writer.finish();
  yield* sink.take();
}

/** Keeps what the writer gives until it is taken: Arrow's own queue does not say when it is empty. */
class ChunkSink extends AsyncByteQueue {
  #chunks: Uint8Array[] = [];

  override write(chunk: Uint8Array): void {
    if (chunk.byteLength > 0) this.#chunks.push(chunk);
  }

  take(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}

function recordBatch(schema: Schema, { rowCount, columns }: TypedBatch): RecordBatch {
  const children = schema.fields.map(({ type }, index) => {
    const values = columns[index] ?? [];
    const [data] = vectorFromArray(numbersFor(type, values), type).data;
    if (data === undefined) throw new Error(`no data for column ${index}`);
    return data;
  });
  const struct = new Struct(schema.fields);
  return new RecordBatch(
    schema,
    makeData({ type: struct, length: rowCount, nullCount: 0, children }),
  );
}

/** Sums of whole numbers come as bigints of 128 bits, and their column holds doubles. */
function numbersFor(type: DataType, values: readonly unknown[]): readonly unknown[] {
  if (!(type instanceof Float64)) return values;
  return values.map((value) => (typeof value === 'bigint' ? Number(value) : value));
}

function arrowType(column: string, type: ValueType): DataType {
  if (typeof type === 'string') return new FLAT_TYPES[type]();
  if ('unknown' in type) throw new ArrowTypeError(column, type.unknown);
  return new List(new Field('element', arrowType(column, type.list), true));
}

const FLAT_TYPES: Readonly<Record<Extract<ValueType, string>, new () => DataType>> = {
  boolean: Bool,
  int8: Int8,
  int16: Int16,
  int32: Int32,
  int64: Int64,
  uint8: Uint8,
  uint16: Uint16,
  uint32: Uint32,
  uint64: Uint64,
  float: Float32,
  double: Float64,
  utf8: Utf8,
};
