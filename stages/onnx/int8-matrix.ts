/** A float32 matrix, row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** Whole steps, and how large a step is in each column or row. */
export interface Int8Matrix {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

/**
 * Symmetric, per column, in 7 bits: without VNNI the kernels add pairs of products in 16 bits, which 8 bits of
 * weight overflow in silence, and then the same file answers otherwise on another processor.
 */
export function int8Columns({ rows, columns, values }: Matrix): Int8Matrix {
  const scales = new Float32Array(columns);
  for (let at = 0; at < values.length; at++) {
    const column = at % columns;
    scales[column] = Math.max(scales[column] ?? 0, Math.abs(values[at] ?? 0) / WEIGHT_STEPS);
  }
  const result = new Int8Array(rows * columns);
  for (let at = 0; at < values.length; at++) {
    result[at] = steps(values[at] ?? 0, scales[at % columns] ?? 0);
  }
  return { values: result, scales };
}

/** Symmetric, per row, in 8 bits: nothing is added up. */
export function int8Rows({ rows, columns, values }: Matrix): Int8Matrix {
  const scales = new Float32Array(rows);
  const result = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns);
    const scale = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / TABLE_STEPS;
    scales[row] = scale;
    result.set(
      own.map((value) => steps(value, scale)),
      row * columns,
    );
  }
  return { values: result, scales };
}

/** A matrix of zeros has a scale of zero. */
function steps(value: number, scale: number): number {
  return scale === 0 ? 0 : Math.round(value / scale);
}

/** Rows become columns. */
export function transpose({ rows, columns, values }: Matrix): Matrix {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] ?? 0;
    }
  }
  return { rows: columns, columns: rows, values: result };
}

const WEIGHT_STEPS = 63;
const TABLE_STEPS = 127;
