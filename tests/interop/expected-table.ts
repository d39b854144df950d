import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a reader must find in a folder of Parquet files; types as in datasets/README.md. */
export interface ExpectedTable {
  readonly types: Readonly<Record<string, string>>;
  readonly nullable: readonly string[];
  /** Column by column; floats as their bits. */
  readonly values: Readonly<Record<string, readonly unknown[]>>;
  /** Of every file. */
  readonly footer: Readonly<Record<string, string>>;
}

/** Makes the folder of a new table, with its expected.json beside it, and says where. */
export type AddTable = (name: string, table: ExpectedTable) => string;

/** Adds tables as `root/<name>/rows`; `tables` collects them. */
export function tableAdder(root: string, tables: ExpectedTable[]): AddTable {
  return (name, table) => {
    tables.push(table);
    const rows = join(root, name, 'rows');
    mkdirSync(rows, { recursive: true });
    writeFileSync(join(dirname(rows), 'expected.json'), JSON.stringify(table));
    return rows;
  };
}

/** Type (with `?` where nulls may stand) and values of each column. */
export type Columns = Readonly<Record<string, readonly [type: string, values: readonly unknown[]]>>;

/** A table of format version 1 with these columns. */
export function table(columns: Columns, footer: Readonly<Record<string, string>>): ExpectedTable {
  const entries = Object.entries(columns);
  return {
    types: Object.fromEntries(entries.map(([name, [type]]) => [name, type.replace('?', '')])),
    nullable: entries.flatMap(([name, [type]]) => (type.endsWith('?') ? [name] : [])),
    values: Object.fromEntries(entries.map(([name, [, values]]) => [name, values])),
    footer: { 'decant.format_version': '1', ...footer },
  };
}

/** float32 as uint32: two values are equal when their bits are, and JSON keeps them. */
export function bitsOf(values: Iterable<number>): number[] {
  return [...new Uint32Array(Float32Array.from(values).buffer)];
}

/** Rows of a list column, all of the same width. */
export function inChunks<T>(values: readonly T[], width: number): T[][] {
  return Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width),
  );
}
