/** Figures of a draw of rows. */
export interface RegressionOfDraw {
  readonly pearson: number | null;
  readonly meanSquaredError: number;
  readonly meanAbsoluteError: number;
  readonly [name: string]: number | null;
}

/**
 * Pearson (mean over the outputs), MSE and MAE of drawn rows, from sums; values and gold [rows * width]. Columns are
 * centred once: of numbers far from zero the sums of squares would cancel.
 */
export function resampledRegression(
  values: ArrayLike<number>,
  gold: ArrayLike<number>,
  width: number,
): (draw: Int32Array) => RegressionOfDraw {
  const outputs = Array.from({ length: width }, (_, output) => ({
    own: centred(values, output, width),
    right: centred(gold, output, width),
  }));
  const rows = gold.length / width;
  const [squares, sizes] = [new Float64Array(rows), new Float64Array(rows)];
  for (let place = 0; place < gold.length; place++) {
    const row = Math.floor(place / width);
    const error = (values[place] ?? Number.NaN) - (gold[place] ?? Number.NaN);
    squares[row] = (squares[row] ?? 0) + (error * error) / width;
    sizes[row] = (sizes[row] ?? 0) + Math.abs(error) / width;
  }
  return (draw) => {
    const correlations = outputs.flatMap(({ own, right }) => correlation(own, right, draw) ?? []);
    const sum = correlations.reduce((total, one) => total + one, 0);
    return {
      pearson: correlations.length === 0 ? null : sum / correlations.length,
      meanSquaredError: meanOf(squares, draw),
      meanAbsoluteError: meanOf(sizes, draw),
    };
  };
}

function correlation(a: Float64Array, b: Float64Array, draw: Int32Array): number | null {
  let [sumA, sumB, both, ownA, ownB] = [0, 0, 0, 0, 0];
  for (const row of draw) {
    const [x = 0, y = 0] = [a[row], b[row]];
    sumA += x;
    sumB += y;
    both += x * y;
    ownA += x * x;
    ownB += y * y;
  }
  const n = draw.length;
  const [varA, varB] = [ownA - (sumA * sumA) / n, ownB - (sumB * sumB) / n];
  return varA > 0 && varB > 0 ? (both - (sumA * sumB) / n) / Math.sqrt(varA * varB) : null;
}

function meanOf(values: Float64Array, draw: Int32Array): number {
  let sum = 0;
  for (const row of draw) sum += values[row] ?? 0;
  return sum / Math.max(1, draw.length);
}

function centred(values: ArrayLike<number>, output: number, width: number): Float64Array {
  const column = Float64Array.from(
    { length: values.length / width },
    (_, row) => values[row * width + output] ?? Number.NaN,
  );
  const mean = column.reduce((sum, value) => sum + value, 0) / Math.max(1, column.length);
  return column.map((value) => value - mean);
}
