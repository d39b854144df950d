import type { FeatureRow, StoredColumn, StoredFeatures, TensorShape } from './features.ts';

/** Tensors of one row: views, or read from the file that they lie in. */
export function featureRow(table: Pick<StoredFeatures, 'columns'>, row: number): FeatureRow {
  return Object.fromEntries(
    Object.entries(table.columns).map(([name, column]) => [name, valuesAt(column, row)]),
  );
}

/** The shape of a row with this many values: its free axis has what the others leave. */
export function shapeOfRow(shape: TensorShape, valueCount: number): number[] {
  const others = shape.reduce<number>((product, size) => product * (size ?? 1), 1);
  return shape.map((size) => size ?? valueCount / others);
}

/** Steps of a row along the free axis of its tensors; undefined where every row has the same shape. */
export function stepsOf(
  shapes: Readonly<Record<string, TensorShape>>,
  row: FeatureRow,
): number | undefined {
  const free = Object.entries(shapes).find(([, shape]) => shape.includes(null));
  if (free === undefined) return undefined;
  const [name, shape] = free;
  return shapeOfRow(shape, row[name]?.length ?? 0)[shape.indexOf(null)];
}

/** Do rows differ in length along some axis? */
export function hasFreeAxis(shapes: Readonly<Record<string, TensorShape>>): boolean {
  return Object.values(shapes).some((shape) => shape.includes(null));
}

/** Shapes of all inputs of a table. */
export function shapesOf({
  columns,
}: Pick<StoredFeatures, 'columns'>): Record<string, TensorShape> {
  return Object.fromEntries(Object.entries(columns).map(([name, { shape }]) => [name, shape]));
}

/** Values of one row of a column, as above. */
export function valuesAt({ offsets, values }: StoredColumn, row: number): Float32Array {
  return values.subarray(offsets[row] ?? 0, offsets[row + 1]);
}
