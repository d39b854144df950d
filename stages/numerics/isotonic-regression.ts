/** A non-decreasing, piecewise linear function: flat outside its knots. */
export interface IsotonicFit {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
}

/**
 * Least-squares non-decreasing fit of ys against xs by pool-adjacent-violators. Equal xs are one
 * point of their mean, so that the fit is a function whatever the order of the rows.
 */
export function fitIsotonic(xs: ArrayLike<number>, ys: ArrayLike<number>): IsotonicFit {
  if (xs.length !== ys.length) throw new RangeError(`${xs.length} xs beside ${ys.length} ys`);
  if (xs.length === 0) throw new RangeError('an isotonic fit needs at least one point');
  const blocks = pool(mergeEqualXs(xs, ys));
  // Both ends of each block are knots: flat inside a block, linear between two blocks.
  const knots = blocks.flatMap(({ from, to, mean }) =>
    from === to
      ? [{ x: from, y: mean }]
      : [
          { x: from, y: mean },
          { x: to, y: mean },
        ],
  );
  return {
    xs: Float64Array.from(knots, ({ x }) => x),
    ys: Float64Array.from(knots, ({ y }) => y),
  };
}

/** Value of the fit at x. */
export function isotonicAt(fit: IsotonicFit, x: number): number {
  const right = fit.xs.findIndex((knot) => knot >= x);
  if (right === -1) return valueAt(fit.ys, fit.ys.length - 1);
  if (right === 0) return valueAt(fit.ys, 0);
  const [x0, x1] = [valueAt(fit.xs, right - 1), valueAt(fit.xs, right)];
  const [y0, y1] = [valueAt(fit.ys, right - 1), valueAt(fit.ys, right)];
  // Divided first: knots may be so close that the product would be lost below the smallest number.
  return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}

interface Block {
  readonly from: number;
  readonly to: number;
  readonly mean: number;
  readonly weight: number;
}

function mergeEqualXs(xs: ArrayLike<number>, ys: ArrayLike<number>): Block[] {
  const order = Array.from({ length: xs.length }, (_, row) => row);
  order.sort((a, b) => valueAt(xs, a) - valueAt(xs, b));
  const merged: Block[] = [];
  for (const row of order) {
    const x = valueAt(xs, row);
    const point = { from: x, to: x, mean: valueAt(ys, row), weight: 1 };
    const last = merged.at(-1);
    if (last?.from === x) merged[merged.length - 1] = join(last, point);
    else merged.push(point);
  }
  return merged;
}

function pool(points: readonly Block[]): Block[] {
  const blocks: Block[] = [];
  for (const point of points) {
    let block = point;
    for (let left = blocks.at(-1); left && left.mean >= block.mean; left = blocks.at(-1)) {
      blocks.pop();
      block = join(left, block);
    }
    blocks.push(block);
  }
  return blocks;
}

function join(left: Block, right: Block): Block {
  const weight = left.weight + right.weight;
  const mean = (left.mean * left.weight + right.mean * right.weight) / weight;
  return { from: left.from, to: right.to, mean, weight };
}

function valueAt(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index} of ${values.length}`);
  return value;
}
