/** What a column of ours can hold. Lists are never null and hold no nulls. */
export type ColumnType =
  | 'utf8'
  | 'int32'
  | 'float'
  | 'list<int32>'
  | 'list<uint8>'
  | 'list<uint16>'
  | 'list<float>';

/** Name and type of one column. */
export interface ColumnSpec {
  readonly name: string;
  readonly type: ColumnType;
  /** Flat columns only. */
  readonly nullable?: boolean;
  /** How a writer lays the values out; PLAIN when left out. Readers take any. */
  readonly encoding?: ValueEncoding;
}

/** `delta`: integers, as bit-packed differences. `split`: floats, byte by byte where a codec follows. */
export type ValueEncoding = 'delta' | 'split';

/** All lists of a row group end to end, as Arrow keeps them. */
export interface ListColumn<A extends Int32Array | Float32Array> {
  /** Exactly the values that `offsets` spans, no more. */
  readonly values: A;
  /** rows + 1 ascending positions; row r is `values[offsets[r] - offsets[0] .. offsets[r + 1] - offsets[0]]`. */
  readonly offsets: Int32Array;
}

/** What a writer takes for one column of one row group. */
export type ColumnData =
  | readonly (string | null)[]
  | readonly (number | null)[]
  | Int32Array
  | Float32Array
  | ListColumn<Int32Array>
  | ListColumn<Float32Array>;

/** Lists that all have `width` values: row r is `values[r * width .. (r + 1) * width]`. */
export function fixedWidthList<A extends Int32Array | Float32Array>(
  values: A,
  width: number,
  rowCount: number,
): ListColumn<A> {
  const offsets = new Int32Array(rowCount + 1);
  for (let row = 1; row <= rowCount; row++) offsets[row] = row * width;
  return { values, offsets };
}

/** Parts end to end, in one new array. */
export function joinNumbers<A extends Int32Array | Float32Array>(
  parts: readonly A[],
  Result: new (length: number) => A,
): A {
  const result = new Result(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    result.set(part, position);
    position += part.length;
  }
  return result;
}

/** The lists of all parts, one after the other. */
export function joinLists<A extends Int32Array | Float32Array>(
  parts: readonly ListColumn<A>[],
  Result: new (length: number) => A,
): ListColumn<A> {
  const values = joinNumbers(
    parts.map((part) => part.values),
    Result,
  );
  return { values, offsets: joinOffsets(parts) };
}

/** Offsets of row groups, each of which begin at 0, as those of one column. */
export function joinOffsets(parts: readonly { readonly offsets: Int32Array }[]): Int32Array {
  const offsets = new Int32Array(parts.reduce((sum, part) => sum + part.offsets.length - 1, 1));
  let [row, start] = [0, 0];
  for (const part of parts) {
    offsets.set(
      part.offsets.map((offset) => offset + start),
      row,
    );
    row += part.offsets.length - 1;
    start += part.offsets.at(-1) ?? 0;
  }
  return offsets;
}
