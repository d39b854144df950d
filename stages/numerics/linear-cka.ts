/** Numbers of rows, [rows * width]. */
export interface FeatureMatrix {
  readonly values: ArrayLike<number>;
  readonly width: number;
}

/**
 * Linear centered kernel alignment of the features that two models have of the same rows, 0 to 1:
 * ||Y'X||^2 / (||X'X|| ||Y'Y||) with Frobenius norms and columns of mean 0. It does not change when features are
 * rotated or scaled. Null where one side is the same for all rows. Kornblith et al. 2019, "Similarity of Neural
 * Network Representations Revisited", section 3.
 */
export function linearCka(x: FeatureMatrix, y: FeatureMatrix, rows: number): number | null {
  const [a, b] = [centred(x, rows), centred(y, rows)];
  const own = Math.sqrt(squaredNormOfProduct(a, a, rows) * squaredNormOfProduct(b, b, rows));
  // Rounding may leave 1 + 1e-16 of two equal sides.
  return own > 0 ? Math.min(1, squaredNormOfProduct(a, b, rows) / own) : null;
}

/** Column by column, each of mean 0. [width][rows] */
function centred({ values, width }: FeatureMatrix, rows: number): Float64Array[] {
  if (values.length !== rows * width) {
    throw new RangeError(`${values.length} numbers are not ${rows} rows of ${width}`);
  }
  return Array.from({ length: width }, (_, at) => {
    const column = Float64Array.from({ length: rows }, (_, row) => values[row * width + at] ?? 0);
    const mean = column.reduce((sum, value) => sum + value, 0) / rows;
    return column.map((value) => value - mean);
  });
}

/** ||A'B||^2, the sum of the squares of all products of a column of A with one of B. */
function squaredNormOfProduct(
  a: readonly Float64Array[],
  b: readonly Float64Array[],
  rows: number,
): number {
  let sum = 0;
  for (const left of a) {
    for (const right of b) {
      let product = 0;
      for (let row = 0; row < rows; row++) product += (left[row] ?? 0) * (right[row] ?? 0);
      sum += product * product;
    }
  }
  return sum;
}
