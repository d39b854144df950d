import { symmetricEigen } from './symmetric-eigen.ts';

/**
 * A table of fewer columns with the least squared error: A V_k = U_k S_k of the singular value decomposition
 * A = U S V^T (Eckart & Young 1936). V are the eigenvectors of A^T A, largest value first, each with its
 * largest number positive. `table` is [rows, columns], the result [rows, width], both row-major.
 */
export function narrowedTable(table: Float32Array, columns: number, width: number): Float32Array {
  const { values, vectors } = symmetricEigen(gramMatrix(table, columns));
  const order = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  const kept = order.slice(0, width).map((place) => withSign(vectors[place] ?? new Float64Array()));
  const rows = table.length / columns;
  const narrow = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const own = table.subarray(row * columns, (row + 1) * columns);
    for (const [place, vector] of kept.entries())
      narrow[row * width + place] = product(own, vector);
  }
  return narrow;
}

/** A^T A by its rows. */
function gramMatrix(table: Float32Array, columns: number): Float64Array[] {
  const gram = Array.from({ length: columns }, () => new Float64Array(columns));
  for (let start = 0; start < table.length; start += columns) {
    for (let i = 0; i < columns; i++) {
      const own = table[start + i] as number;
      const row = gram[i] as Float64Array;
      for (let j = 0; j <= i; j++) row[j] = (row[j] as number) + own * (table[start + j] as number);
    }
  }
  for (const [i, row] of gram.entries()) {
    for (let j = 0; j < i; j++) (gram[j] as Float64Array)[i] = row[j] as number;
  }
  return gram;
}

/** An eigenvector is one with either sign. */
function withSign(vector: Float64Array): Float64Array {
  const largest = vector.reduce(
    (best, value) => (Math.abs(value) > Math.abs(best) ? value : best),
    0,
  );
  return largest < 0 ? vector.map((value) => -value) : vector;
}

function product(row: Float32Array, vector: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < row.length; k++) sum += (row[k] as number) * (vector[k] as number);
  return sum;
}
