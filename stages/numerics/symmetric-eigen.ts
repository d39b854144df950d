/** Eigenvalues in no order, and the eigenvector of each: a row of length 1. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: readonly Float64Array[];
}

/**
 * All eigenvalues and eigenvectors of a symmetric matrix, given by its rows: Householder's reduction to three
 * diagonals (Golub & Van Loan 2013, algorithm 8.3.1), then implicit QL steps (Bowdler et al. 1968, tql2).
 * Plain float64 arithmetic and square roots: the same bits on every machine.
 */
export function symmetricEigen(matrix: readonly Float64Array[]): Eigen {
  const rows = matrix.map((row) => row.slice());
  const { diagonal, beside, vectors } = tridiagonal(rows);
  diagonalise(diagonal, beside, vectors);
  return { values: diagonal, vectors };
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** Place i stands beside i + 1; the last one is 0. */
  readonly beside: Float64Array;
  /** Rows of the orthogonal matrix that leads there. */
  readonly vectors: Float64Array[];
}

/** Overwrites its argument. */
function tridiagonal(rows: Float64Array[]): Tridiagonal {
  const size = rows.length;
  const reflections: { v: Float64Array; beta: number }[] = [];
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const row = rowOf(rows, k);
    diagonal[k] = at(row, k);
    if (k === size - 1) break;
    const { v, beta, length } = reflection(row, k + 1);
    beside[k] = length;
    reflections.push({ v, beta });
    if (beta !== 0) reflect(rows, v, beta, k + 1);
  }
  const vectors = Array.from({ length: size }, (_, place) => {
    const row = new Float64Array(size);
    row[place] = 1;
    return row;
  });
  for (let k = size - 2; k >= 0; k--) {
    const { v, beta } = reflections[k] as { v: Float64Array; beta: number };
    for (let i = k + 1; i < size; i++)
      addTo(rowOf(vectors, i), v, -beta * dot(rowOf(vectors, i), v, k + 1), k + 1);
  }
  return { diagonal, beside, vectors };
}

/** Of x = row[from...]: v and beta with (1 - beta v v^T) x = (length, 0, 0, ...). */
function reflection(row: Float64Array, from: number) {
  const v = new Float64Array(row.length);
  v.set(row.subarray(from), from);
  const norm = Math.sqrt(dot(v, v, from));
  const first = at(v, from);
  const length = first > 0 ? -norm : norm;
  v[from] = first - length;
  const square = dot(v, v, from);
  return { v, beta: square === 0 ? 0 : 2 / square, length };
}

/** rows = H rows H of the part from `from` on, H = 1 - beta v v^T. */
function reflect(rows: Float64Array[], v: Float64Array, beta: number, from: number): void {
  const w = new Float64Array(v.length);
  for (let i = from; i < rows.length; i++) w[i] = beta * dot(rowOf(rows, i), v, from);
  addTo(w, v, -0.5 * beta * dot(w, v, from), from);
  for (let i = from; i < rows.length; i++) {
    const row = rowOf(rows, i);
    const [vi, wi] = [at(v, i), at(w, i)];
    for (let j = from; j < row.length; j++) row[j] = at(row, j) - vi * at(w, j) - wi * at(v, j);
  }
}

/** Makes the values beside the diagonal vanish and turns the vectors along. */
function diagonalise(d: Float64Array, e: Float64Array, vectors: Float64Array[]): void {
  const size = d.length;
  let shift = 0;
  let largest = 0;
  for (let l = 0; l < size; l++) {
    largest = Math.max(largest, Math.abs(at(d, l)) + Math.abs(at(e, l)));
    let m = l;
    while (m < size - 1 && Math.abs(at(e, m)) > EPSILON * largest) m++;
    for (let turns = 0; m > l && Math.abs(at(e, l)) > EPSILON * largest; turns++) {
      if (turns > MOST_TURNS) throw new Error('an eigenvalue does not converge');
      shift += qlStep(d, e, vectors, l, m);
    }
    d[l] = at(d, l) + shift;
    e[l] = 0;
  }
}

/** One implicit QL step of the block from l to m; returns what was taken off the later diagonal. */
function qlStep(
  d: Float64Array,
  e: Float64Array,
  vectors: Float64Array[],
  l: number,
  m: number,
): number {
  const before = at(d, l);
  let p = (at(d, l + 1) - before) / (2 * at(e, l));
  const root = Math.sqrt(p * p + 1);
  const r = p < 0 ? p - root : p + root;
  d[l] = at(e, l) / r;
  d[l + 1] = at(e, l) * r;
  const next = at(d, l + 1);
  const taken = before - at(d, l);
  for (let i = l + 2; i < d.length; i++) d[i] = at(d, i) - taken;
  p = at(d, m);
  let [c, c2, c3, s, s2] = [1, 1, 1, 0, 0];
  const beside = at(e, l + 1);
  for (let i = m - 1; i >= l; i--) {
    [c3, c2, s2] = [c2, c, s];
    const g = c * at(e, i);
    const h = c * p;
    const radius = Math.sqrt(p * p + at(e, i) * at(e, i));
    e[i + 1] = s * radius;
    s = at(e, i) / radius;
    c = p / radius;
    p = c * at(d, i) - s * g;
    d[i + 1] = h + s * (c * g + s * at(d, i));
    turn(rowOf(vectors, i), rowOf(vectors, i + 1), c, s);
  }
  p = (-s * s2 * c3 * beside * at(e, l)) / next;
  e[l] = s * p;
  d[l] = c * p;
  return taken;
}

function turn(a: Float64Array, b: Float64Array, c: number, s: number): void {
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [at(a, k), at(b, k)];
    b[k] = s * x + c * y;
    a[k] = c * x - s * y;
  }
}

function dot(a: Float64Array, b: Float64Array, from: number): number {
  let sum = 0;
  for (let k = from; k < a.length; k++) sum += at(a, k) * at(b, k);
  return sum;
}

/** a += factor * b from `from` on. */
function addTo(a: Float64Array, b: Float64Array, factor: number, from: number): void {
  for (let k = from; k < a.length; k++) a[k] = at(a, k) + factor * at(b, k);
}

function at(values: Float64Array, place: number): number {
  return values[place] as number;
}

function rowOf(rows: readonly Float64Array[], place: number): Float64Array {
  return rows[place] as Float64Array;
}

const EPSILON = Number.EPSILON;
const MOST_TURNS = 60;
