/** What a column of an answer holds; `unknown` carries the type's name. */
export type ValueType =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float'
  | 'double'
  | 'utf8'
  | { readonly list: ValueType }
  | { readonly unknown: string };

export interface TypedColumn {
  readonly name: string;
  readonly type: ValueType;
}

/** Some rows, column by column. Whole numbers of 64 and more bits are bigints; null is a missing value. */
export interface TypedBatch {
  readonly rowCount: number;
  readonly columns: readonly (readonly unknown[])[];
}

/** The rows of a batch as JSON values: whole numbers stay numbers where JavaScript holds them exactly. */
export function jsonRows({ rowCount, columns }: TypedBatch): unknown[][] {
  return Array.from({ length: rowCount }, (_, row) => columns.map((values) => toJson(values[row])));
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}`;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, nested]) => [key, toJson(nested)]));
  }
  return value;
}
