import {
  type Data,
  type DataType,
  Field,
  Float32,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Uint8,
  Uint16,
  Utf8,
} from 'apache-arrow';
import type { ColumnSpec } from './columns.ts';
import type { RowGroup, TextColumn } from './row-group.ts';

export type { RecordBatch } from 'apache-arrow';

/** The named columns as an Arrow batch; columns without nulls are not copied. */
export function toRecordBatch(group: RowGroup, columns: readonly ColumnSpec[]): RecordBatch {
  const parts = columns.map((column) => ({ column, data: dataOf(group, column) }));
  const fields = parts.map(({ column, data }) => fieldOf(column, data.type));
  const struct = makeData({
    type: new Struct(fields),
    length: group.rowCount,
    nullCount: 0,
    children: parts.map(({ data }) => data),
  });
  return new RecordBatch(new Schema(fields), struct);
}

function dataOf(group: RowGroup, { name, type, nullable }: ColumnSpec): Data {
  switch (type) {
    case 'utf8':
      return textData(group.utf8Bytes(name));
    case 'int32':
      return nullable ? integerData(group.numbers(name)) : integerData(group.int32(name));
    case 'float':
      return nullable ? floatData(group.numbers(name)) : floatData(group.float(name));
    case 'list<int32>': {
      const { values, offsets } = group.listInt32(name);
      return listData(integerData(values), offsets);
    }
    case 'list<uint8>': {
      const { values, offsets } = group.listInt32(name);
      const data = Uint8Array.from(values);
      return listData(makeData({ type: new Uint8(), data }), offsets);
    }
    case 'list<uint16>': {
      const { values, offsets } = group.listInt32(name);
      const data = Uint16Array.from(values);
      return listData(makeData({ type: new Uint16(), data }), offsets);
    }
    case 'list<float>': {
      const { values, offsets } = group.listFloat(name);
      return listData(floatData(values), offsets);
    }
    default:
      return type satisfies never;
  }
}

function integerData(rows: Int32Array | readonly (number | null)[]): Data<Int32> {
  if (rows instanceof Int32Array) return makeData({ type: new Int32(), data: rows });
  const data = Int32Array.from(rows, (value) => value ?? 0);
  return makeData({ type: new Int32(), data, ...validity(present(rows)) });
}

function floatData(rows: Float32Array | readonly (number | null)[]): Data<Float32> {
  if (rows instanceof Float32Array) return makeData({ type: new Float32(), data: rows });
  const data = Float32Array.from(rows, (value) => value ?? 0);
  return makeData({ type: new Float32(), data, ...validity(present(rows)) });
}

function textData({ bytes, offsets, present }: TextColumn): Data<Utf8> {
  const valid = present === undefined ? { nullCount: 0 } : validity(present);
  return makeData({ type: new Utf8(), valueOffsets: offsets, data: bytes, ...valid });
}

function listData(child: Data, valueOffsets: Int32Array): Data<List> {
  return makeData({
    type: new List(new Field('element', child.type, false)),
    length: valueOffsets.length - 1,
    nullCount: 0,
    valueOffsets,
    child,
  });
}

function present(rows: readonly unknown[]): Uint8Array {
  return Uint8Array.from(rows, (row) => (row === null ? 0 : 1));
}

/** Arrow's bit per row, 1 where a value is there. */
function validity(present: Uint8Array): { nullCount: number; nullBitmap: Uint8Array | null } {
  const nullCount = present.length - present.reduce((sum, bit) => sum + bit, 0);
  if (nullCount === 0) return { nullCount, nullBitmap: null };
  const nullBitmap = new Uint8Array(Math.ceil(present.length / 8));
  for (const [row, bit] of present.entries()) {
    if (bit) nullBitmap[row >> 3] = (nullBitmap[row >> 3] ?? 0) | (1 << (row & 7));
  }
  return { nullCount, nullBitmap };
}

function fieldOf({ name, nullable }: ColumnSpec, type: DataType): Field {
  return new Field(name, type, nullable ?? false);
}
