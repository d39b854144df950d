import type { ColumnData, ColumnSpec, ListColumn } from './columns.ts';
import { listLevels, optionalLevels, type PageLevels, requiredLevels } from './levels.ts';
import { encodeTexts } from './texts.ts';

/** A column of one row group, ready to be compressed. */
export interface PlainColumn {
  readonly levels: PageLevels;
  /** Values that are there: nulls and empty lists have none. */
  readonly valueCount: number;
  /** In PLAIN encoding. */
  readonly bytes: Buffer;
}

/** Encodes rows as PLAIN values and levels; throws an Error that says what is wrong with them. */
export function plainColumn(column: ColumnSpec, data: ColumnData, rowCount: number): PlainColumn {
  switch (column.type) {
    case 'utf8':
      return plainRows(rowsOf(data, column, rowCount), column, plainTexts);
    case 'int32':
      if (data instanceof Int32Array) return plainNumbers(data, column, rowCount);
      return plainRows(rowsOf(data, column, rowCount), column, plainIntegers);
    case 'float':
      if (data instanceof Float32Array) return plainNumbers(data, column, rowCount);
      return plainRows(rowsOf(data, column, rowCount), column, plainFloats);
    case 'list<int32>':
      return plainLists(listOf(data, Int32Array), rowCount);
    case 'list<uint8>':
      return plainLists(unsignedList(listOf(data, Int32Array), 0xff), rowCount);
    case 'list<uint16>':
      return plainLists(unsignedList(listOf(data, Int32Array), 0xffff), rowCount);
    case 'list<float>':
      return plainLists(listOf(data, Float32Array), rowCount);
    default:
      return column.type satisfies never;
  }
}

type Cell = string | number | null;

function plainRows(
  rows: readonly Cell[],
  column: ColumnSpec,
  encode: (cells: readonly NonNullable<Cell>[]) => Buffer,
): PlainColumn {
  const cells = rows.filter((cell) => cell !== null);
  if (!column.nullable && cells.length < rows.length) {
    throw new Error(`row ${rows.indexOf(null)} is null, and the column is not nullable`);
  }
  const bytes = encode(cells);
  const levels = column.nullable ? optionalLevels(presence(rows)) : requiredLevels(rows.length);
  return { levels, valueCount: cells.length, bytes };
}

function plainNumbers(
  values: Int32Array | Float32Array,
  column: ColumnSpec,
  rowCount: number,
): PlainColumn {
  if (values.length !== rowCount) throw new Error(`${values.length} values for ${rowCount} rows`);
  const levels = column.nullable
    ? optionalLevels(new Uint8Array(rowCount).fill(1))
    : requiredLevels(rowCount);
  return { levels, valueCount: rowCount, bytes: bytesOf(values) };
}

function plainLists({ values, offsets }: ListColumn<Int32Array | Float32Array>, rowCount: number) {
  if (offsets.length !== rowCount + 1) {
    throw new Error(`${offsets.length} offsets for ${rowCount} rows`);
  }
  for (let row = 0; row < rowCount; row++) {
    if ((offsets[row + 1] ?? 0) < (offsets[row] ?? 0)) {
      throw new Error(`row ${row} ends before it begins`);
    }
  }
  const spanned = (offsets[rowCount] ?? 0) - (offsets[0] ?? 0);
  if (spanned !== values.length) {
    throw new Error(`the offsets span ${spanned} values, and there are ${values.length}`);
  }
  return { levels: listLevels(offsets), valueCount: values.length, bytes: bytesOf(values) };
}

function plainTexts(cells: readonly NonNullable<Cell>[]): Buffer {
  if (areTexts(cells)) return encodeTexts(cells);
  throw new Error(`${cells.find((cell) => typeof cell !== 'string')} is not a text`);
}

function areTexts(cells: readonly NonNullable<Cell>[]): cells is readonly string[] {
  return cells.every((cell) => typeof cell === 'string');
}

function plainIntegers(cells: readonly NonNullable<Cell>[]): Buffer {
  const wrong = cells.find((cell) => typeof cell !== 'number' || (cell | 0) !== cell);
  if (wrong !== undefined) throw new Error(`${wrong} is not an integer of 32 bits`);
  return bytesOf(Int32Array.from(cells, Number));
}

function plainFloats(cells: readonly NonNullable<Cell>[]): Buffer {
  const wrong = cells.find((cell) => typeof cell !== 'number');
  if (wrong !== undefined) throw new Error(`"${wrong}" is not a number`);
  return bytesOf(Float32Array.from(cells, Number));
}

/** The bytes of an array as they lie in memory: PLAIN on every little-endian machine. */
function bytesOf(values: Int32Array | Float32Array): Buffer {
  if (values.byteLength > MAX_PAGE_BYTES) throw new Error(tooLarge(values.byteLength));
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function presence(rows: readonly Cell[]): Uint8Array {
  const present = new Uint8Array(rows.length);
  for (let row = 0; row < rows.length; row++) present[row] = rows[row] === null ? 0 : 1;
  return present;
}

function rowsOf(data: ColumnData, column: ColumnSpec, rowCount: number): readonly Cell[] {
  if (!isRows(data)) throw new Error(`these values cannot be written as ${column.type}`);
  if (data.length !== rowCount) throw new Error(`${data.length} values for ${rowCount} rows`);
  return data;
}

function listOf<A extends Int32Array | Float32Array>(
  data: ColumnData,
  Values: abstract new (...given: never[]) => A,
): ListColumn<A> {
  const values = 'values' in data && 'offsets' in data ? data.values : undefined;
  if (!(values instanceof Values) || !('offsets' in data)) {
    throw new Error(`these values are no lists of ${Values.name}`);
  }
  return { values, offsets: data.offsets };
}

function unsignedList(list: ListColumn<Int32Array>, largest: number): ListColumn<Int32Array> {
  const wrong = list.values.find((value) => value < 0 || value > largest);
  if (wrong !== undefined) throw new Error(`${wrong} is not between 0 and ${largest}`);
  return list;
}

function isRows(data: ColumnData): data is readonly (string | null)[] | readonly (number | null)[] {
  return Array.isArray(data);
}

function tooLarge(bytes: number): string {
  return `${bytes} bytes in one page, and Parquet takes less than 2 GiB: write smaller row groups`;
}

// Less than 2 GiB, so that levels and header have room in the 32-bit sizes of a page.
const MAX_PAGE_BYTES = 0x7f000000;
