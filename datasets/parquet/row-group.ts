import type { ColumnSpec, ColumnType, ListColumn } from './columns.ts';
import { ParquetColumnError } from './errors.ts';
import type { DecodedColumn } from './row-assembler.ts';
import { stringsOf, type Texts } from './texts.ts';

/** The columns of one row group. Each getter throws where the column is absent or of another type. */
export interface RowGroup {
  readonly rowCount: number;
  utf8(name: string): (string | null)[];
  /** As `utf8`, for a column that holds no null here. */
  texts(name: string): string[];
  /** As `utf8`, without a string for each row. */
  utf8Bytes(name: string): TextColumn;
  /** Throws where a row is null: see `numbers`. */
  int32(name: string): Int32Array;
  /** Throws where a row is null: see `numbers`. */
  float(name: string): Float32Array;
  /** Rows of an int32 or float column, nulls included. */
  numbers(name: string): (number | null)[];
  listInt32(name: string): ListColumn<Int32Array>;
  listFloat(name: string): ListColumn<Float32Array>;
}

/** Texts of all rows as Arrow keeps them; a null has no bytes. */
export interface TextColumn extends Texts {
  /** 0 where a row is null; undefined where none is. */
  readonly present: Uint8Array | undefined;
}

/** A decoded column and what it was declared as. */
export interface GroupColumn {
  readonly spec: ColumnSpec;
  readonly decoded: DecodedColumn;
}

/** Gives typed access to decoded columns. */
export function rowGroupOf(
  path: string,
  rowCount: number,
  columns: ReadonlyMap<string, GroupColumn>,
): RowGroup {
  const find = (name: string, ...types: readonly ColumnType[]): DecodedColumn => {
    const column = columns.get(name);
    if (column === undefined) throw new ParquetColumnError(path, name, 'was not read');
    if (types.includes(column.spec.type)) return column.decoded;
    throw new ParquetColumnError(
      path,
      name,
      `holds ${column.spec.type}, not ${types.join(' or ')}`,
    );
  };
  const whole = (name: string, type: ColumnType): DecodedColumn => {
    const column = find(name, type);
    if (column.present === undefined) return column;
    throw new ParquetColumnError(path, name, `is null in row ${column.present.indexOf(0)}`);
  };
  return {
    rowCount,
    utf8: (name) => spread(find(name, 'utf8'), (column) => stringsOf(textsOf(column))),
    utf8Bytes: (name) => bytesOfRows(find(name, 'utf8'), rowCount),
    texts: (name) => stringsOf(textsOf(whole(name, 'utf8'))),
    int32: (name) => integers(whole(name, 'int32')),
    float: (name) => floats(whole(name, 'float')),
    numbers: (name) => spread(find(name, 'int32', 'float'), numbers),
    listInt32: (name) => {
      const column = find(name, 'list<int32>', 'list<uint8>', 'list<uint16>');
      return { values: integers(column), offsets: offsetsOf(column) };
    },
    listFloat: (name) => {
      const column = find(name, 'list<float>');
      return { values: floats(column), offsets: offsetsOf(column) };
    },
  };
}

/** Puts the nulls back between the values. */
function spread<T>(
  column: DecodedColumn,
  itemsOf: (column: DecodedColumn) => Iterable<T> & ArrayLike<T>,
): (T | null)[] {
  const items = itemsOf(column);
  if (column.present === undefined) return Array.from(items);
  let next = 0;
  return Array.from(column.present, (present) => (present ? (items[next++] ?? null) : null));
}

/** A null gets the offset of the text behind it. */
function bytesOfRows(column: DecodedColumn, rowCount: number): TextColumn {
  const { bytes, offsets } = textsOf(column);
  const { present } = column;
  if (present === undefined) return { bytes, offsets, present };
  const ofRows = new Int32Array(rowCount + 1);
  for (let row = 0, text = 0; row < rowCount; row++) {
    text += present[row] ?? 0;
    ofRows[row + 1] = offsets[text] ?? 0;
  }
  return { bytes, offsets: ofRows, present };
}

function integers({ values }: DecodedColumn): Int32Array {
  return values.type === 'INT32' ? values.items : mismatch(values.type);
}

function floats({ values }: DecodedColumn): Float32Array {
  return values.type === 'FLOAT' ? values.items : mismatch(values.type);
}

function textsOf({ values }: DecodedColumn): Texts {
  return values.type === 'BYTE_ARRAY' ? values.items : mismatch(values.type);
}

function numbers({ values }: DecodedColumn): Int32Array | Float32Array {
  return values.type === 'BYTE_ARRAY' ? mismatch(values.type) : values.items;
}

function offsetsOf({ offsets }: DecodedColumn): Int32Array {
  return offsets ?? mismatch('a flat column');
}

function mismatch(found: string): never {
  throw new Error(`decoded as ${found}: a fault of the reader`);
}
