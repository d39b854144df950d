/** Value of a function at `point`; fills `gradient`, which is as long. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

export interface LbfgsOptions {
  readonly maxIterations: number;
  /** Done where the largest entry of the gradient is below it, ... */
  readonly gradientTolerance: number;
  /** ... or where an iteration lowers the value by less than this share of it. */
  readonly valueTolerance: number;
}

/**
 * Minimises a smooth convex function by L-BFGS (Nocedal 1980; Nocedal and Wright, "Numerical Optimization",
 * algorithms 7.4 and 7.5) with backtracking. Yields the value after each iteration, returns the minimiser.
 */
export function* lbfgs(
  objective: Objective,
  start: Float64Array,
  { maxIterations, gradientTolerance, valueTolerance }: LbfgsOptions,
): Generator<number, Float64Array, void> {
  let point = start.slice();
  let gradient = new Float64Array(start.length);
  let value = objective(point, gradient);
  const pairs: Pair[] = [];
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (largest(gradient) <= gradientTolerance) return point;
    const direction = descent(gradient, pairs);
    const found = search(objective, { point, value, gradient }, direction, pairs.length === 0);
    if (found === undefined) return point;
    remember(pairs, { point, gradient }, found);
    const isDone = value - found.value <= valueTolerance * Math.abs(value);
    ({ point, gradient, value } = found);
    yield value;
    if (isDone) return point;
  }
  return point;
}

interface State {
  readonly point: Float64Array<ArrayBuffer>;
  readonly gradient: Float64Array<ArrayBuffer>;
  readonly value: number;
}

/** How the gradient changed along a step. */
interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** 1 / (step . change) */
  readonly scale: number;
}

/** The two-loop recursion: minus an estimate of the inverse Hessian times the gradient. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((slope) => -slope);
  const shares = pairs.map(() => 0);
  for (let index = pairs.length - 1; index >= 0; index--) {
    const pair = pairs[index];
    if (pair === undefined) continue;
    const share = pair.scale * dot(pair.step, direction);
    shares[index] = share;
    addScaled(direction, pair.change, -share);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const size = 1 / (last.scale * dot(last.change, last.change));
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] ?? 0) * size;
  }
  for (const [index, { step, change, scale }] of pairs.entries()) {
    addScaled(direction, step, (shares[index] ?? 0) - scale * dot(change, direction));
  }
  return direction;
}

/** Halves the step until the value falls enough (Armijo); undefined where it no longer does. */
function search(
  objective: Objective,
  { point, value, gradient }: State,
  direction: Float64Array,
  isFirst: boolean,
): State | undefined {
  const slope = dot(gradient, direction);
  // Without curvature known yet, the gradient says nothing of how far to go.
  let size = isFirst ? 1 / Math.max(1, Math.sqrt(dot(gradient, gradient))) : 1;
  for (let tries = 0; tries < MOST_HALVINGS; tries++, size /= 2) {
    const next = point.slice();
    addScaled(next, direction, size);
    const nextGradient = new Float64Array(point.length);
    const nextValue = objective(next, nextGradient);
    if (nextValue <= value + SUFFICIENT * size * slope) {
      return { point: next, value: nextValue, gradient: nextGradient };
    }
  }
  return undefined;
}

function remember(
  pairs: Pair[],
  before: Pick<State, 'point' | 'gradient'>,
  after: Pick<State, 'point' | 'gradient'>,
): void {
  const step = after.point.map((x, i) => x - (before.point[i] ?? 0));
  const change = after.gradient.map((g, i) => g - (before.gradient[i] ?? 0));
  const curvature = dot(step, change);
  if (curvature <= 1e-12 * dot(change, change)) return;
  pairs.push({ step, change, scale: 1 / curvature });
  if (pairs.length > MEMORY) pairs.shift();
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function addScaled(target: Float64Array, values: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) + factor * (values[i] ?? 0);
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

const MEMORY = 10;
const MOST_HALVINGS = 30;
const SUFFICIENT = 1e-4;
