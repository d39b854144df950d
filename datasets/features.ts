import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type ColumnSpec, joinLists } from '#datasets/parquet/columns.ts';
import { CorruptParquetError, ParquetValueError } from '#datasets/parquet/errors.ts';
import { openParquet } from '#datasets/parquet/reader.ts';
import { valuesAt } from './feature-rows.ts';
import { type GroupedTable, idsIn, openGroups, type TableGroup } from './grouped-table.ts';
import { FloatFile, type FloatList } from './int-list.ts';
import { keptWithin } from './kept-floats.ts';
import { rowIndexOf } from './row-index.ts';
import { eachGroup, readGroups, type TableFormat, writeTable } from './table-file.ts';

/** Size of each axis of one row's tensor; null: as long as the row needs it, one axis at most. */
export type TensorShape = readonly (number | null)[];

/** One input of a model, for all rows: values end to end, row-major. */
export interface FeatureColumn<Values = Float32Array> {
  readonly shape: TensorShape;
  /** rows + 1 positions from 0 on; row r is `values[offsets[r] .. offsets[r + 1]]`. */
  readonly offsets: Int32Array;
  readonly values: Values;
}

/** Tensors of every example of one split, by the name of the model's input. */
export interface FeatureTable<Values = Float32Array> {
  readonly exampleIds: readonly string[];
  readonly columns: Readonly<Record<string, FeatureColumn<Values>>>;
}

/** A table whose values may lie in a file. */
export type StoredFeatures = FeatureTable<FloatList>;
export type StoredColumn = FeatureColumn<FloatList>;

/** Tensors of one row: its values by the name of the input. */
export type FeatureRow = Readonly<Record<string, Float32Array>>;

/** Writes `features.parquet`. */
export async function writeFeatures(folder: string, table: FeatureTable): Promise<void> {
  const path = pathIn(folder);
  const columns = Object.entries(table.columns);
  for (const [name, column] of columns) requireWhole(path, name, table, column);
  const shapes = Object.fromEntries(columns.map(([name, { shape }]) => [name, shape]));
  await writeTable(path, formatOf(Object.keys(table.columns)), {
    rowCount: table.exampleIds.length,
    metadata: { [SHAPES_KEY]: JSON.stringify(shapes) },
    slice: (from, to) => ({
      example_id: table.exampleIds.slice(from, to),
      ...Object.fromEntries(columns.map(([name, column]) => [name, part(column, from, to)])),
    }),
  });
}

/** Reads what `writeFeatures` wrote, in the same order. */
export async function readFeatures(folder: string): Promise<FeatureTable> {
  const path = pathIn(folder);
  const { groups, metadata, columns } = await readGroups(path, formatOf([]));
  const shapes = shapesIn(path, metadata[SHAPES_KEY]);
  const missing = Object.keys(shapes).find((name) => !columns.has(name));
  if (missing !== undefined) throw new CorruptParquetError(path, `no column "${missing}"`);
  const entries = Object.entries(shapes).map(([name, shape]): [string, FeatureColumn] => [
    name,
    {
      shape,
      ...joinLists(
        groups.map((group) => group.listFloat(name)),
        Float32Array,
      ),
    },
  ]);
  return {
    exampleIds: groups.flatMap((group) => group.texts('example_id')),
    columns: Object.fromEntries(entries),
  };
}

/** Tensors of a row group. */
export type FeatureGroup = Pick<FeatureTable, 'columns'> & TableGroup;

/** Opens the tensors of a split, to be read row group by row group; undefined where its rows are texts only. */
export async function openFeaturesIfAny(
  folder: string,
): Promise<GroupedTable<FeatureGroup> | undefined> {
  if (!existsSync(pathIn(folder))) return undefined;
  const shapes = Object.entries(await readShapes(folder));
  return openGroups(pathIn(folder), formatOf(shapes.map(([name]) => name)), {
    decode: (group) => ({
      idAt: idsIn(group),
      columns: Object.fromEntries(
        shapes.map(([name, shape]) => [name, { shape, ...group.listFloat(name) }]),
      ),
    }),
  });
}

/** Reads the tensors of a split; undefined where its rows are texts only. */
export async function readFeaturesIfAny(
  folder: string | undefined,
): Promise<FeatureTable | undefined> {
  return folder !== undefined && existsSync(pathIn(folder)) ? readFeatures(folder) : undefined;
}

/**
 * The tensors of these examples, in this order; undefined where the rows are texts only. More than `limitBytes` go
 * into a file in `spill`, where the rows are stored in this order already, as `prepare` writes them. Close it.
 */
export async function readFeaturesWithin(
  folder: string | undefined,
  exampleIds: readonly string[],
  { limitBytes, spill }: { readonly limitBytes: number; readonly spill: string },
): Promise<StoredFeatures | undefined> {
  if (folder === undefined || !existsSync(pathIn(folder))) return undefined;
  const path = pathIn(folder);
  const shapes = await readShapes(folder);
  const stored: string[] = [];
  const kept = Object.keys(shapes).map((name) => ({ name, values: keptWithin(spill) }));
  // Each tensor may take its share: those of a row are as long as each other in every row.
  const limit = limitBytes / Math.max(1, kept.length);
  await eachGroup(path, formatOf(Object.keys(shapes)), (group) => {
    stored.push(...group.texts('example_id'));
    for (const { name, values } of kept) values.add(group.listFloat(name), limit);
  });
  const columns = kept.map(({ name, values }): [string, StoredColumn] => [
    name,
    { shape: shapes[name] ?? [], ...values.column() },
  ]);
  const table = { exampleIds: stored, columns: Object.fromEntries(columns) };
  if (exampleIds.every((exampleId, row) => exampleId === stored[row])) return table;
  try {
    return featuresInOrder(table, exampleIds);
  } finally {
    closeFeatures(table);
  }
}

/** Closes the files of a table that has any. */
export function closeFeatures({ columns }: StoredFeatures): void {
  for (const { values } of Object.values(columns)) if (values instanceof FloatFile) values.close();
}

/** Shapes of the tensors of a split, without a look at its rows; none where its rows are texts only. */
export async function readShapes(folder: string | undefined): Promise<Record<string, TensorShape>> {
  if (folder === undefined || !existsSync(pathIn(folder))) return {};
  const file = await openParquet(pathIn(folder));
  try {
    return shapesIn(file.path, file.metadata[SHAPES_KEY]);
  } finally {
    await file.close();
  }
}

/** The rows at these positions, in this order. */
export function takeFeatures(table: StoredFeatures, rows: readonly number[]): FeatureTable {
  const columns = Object.entries(table.columns).map(([name, column]): [string, FeatureColumn] => [
    name,
    columnOf(
      column.shape,
      rows.map((row) => valuesAt(column, row)),
    ),
  ]);
  return {
    exampleIds: rows.map((row) => table.exampleIds[row] ?? ''),
    columns: Object.fromEntries(columns),
  };
}

/** The rows of these examples, in this order; each has to be there. */
export function featuresInOrder(
  table: StoredFeatures,
  exampleIds: readonly string[],
): FeatureTable {
  const index = rowIndexOf(table.exampleIds, 'features');
  return takeFeatures(
    table,
    exampleIds.map((exampleId) => index.rowOf(exampleId)),
  );
}

/** One column of rows that are given one by one. */
export function columnOf(shape: TensorShape, rows: readonly Float32Array[]): FeatureColumn {
  const offsets = new Int32Array(rows.length + 1);
  for (const [row, { length }] of rows.entries()) offsets[row + 1] = (offsets[row] ?? 0) + length;
  const values = new Float32Array(offsets.at(-1) ?? 0);
  for (const [row, part] of rows.entries()) values.set(part, offsets[row]);
  return { shape, offsets, values };
}

function part({ offsets, values }: FeatureColumn, from: number, to: number) {
  return {
    values: values.subarray(offsets[from], offsets[to]),
    offsets: offsets.subarray(from, to + 1),
  };
}

function requireWhole(
  path: string,
  name: string,
  { exampleIds }: FeatureTable,
  { offsets, values }: FeatureColumn,
): void {
  if (offsets.length === exampleIds.length + 1 && offsets.at(-1) === values.length) return;
  throw new ParquetValueError(path, name, `${offsets.length - 1} rows, not ${exampleIds.length}`);
}

function shapesIn(path: string, text: string | undefined): Record<string, TensorShape> {
  try {
    return shapesSchema.parse(JSON.parse(text ?? ''));
  } catch {
    throw new CorruptParquetError(path, `the footer lacks ${SHAPES_KEY}`);
  }
}

function formatOf(names: readonly string[]): TableFormat {
  return {
    name: 'features',
    formatVersion: 1,
    columns: [
      { name: 'example_id', type: 'utf8' },
      ...names.map((name): ColumnSpec => ({ name, type: 'list<float>', encoding: 'split' })),
    ],
  };
}

function pathIn(folder: string): string {
  return join(folder, 'features.parquet');
}

const SHAPES_KEY = 'decant.shapes';
const shapesSchema = z.record(z.string(), z.array(z.int().positive().nullable()));
