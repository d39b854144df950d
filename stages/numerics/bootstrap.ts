import { quantile } from './metrics.ts';

/** Figures by name; null where a resample does not tell one. */
export type ResampledFigures = Readonly<Record<string, number | null>>;

/** [lower, upper] by the name of the figure. */
export type Intervals = Record<string, [number, number]>;

export interface BootstrapOptions {
  readonly level?: number;
  readonly resamples?: number;
}

/**
 * Percentile bootstrap (Efron 1979) of any figures: `units` are drawn with replacement, as many as there are, and
 * `figuresOf` tells the figures of each draw. All figures, and all calls with equal `units` and streams, see the same
 * draws, so that the difference of two models on the same rows is a paired one. Rows that depend on each other, such as
 * the words of a sentence, belong into one unit. A figure that no draw tells has no interval.
 */
export function bootstrapIntervals(
  units: number,
  random: () => number,
  figuresOf: (draw: Int32Array) => ResampledFigures,
  { level = 0.95, resamples = 1000 }: BootstrapOptions = {},
): Intervals {
  const found = new Map<string, number[]>();
  const draw = new Int32Array(units);
  for (let resample = 0; resample < resamples; resample++) {
    const next = quickRandom(Math.floor(random() * 2 ** 32));
    for (let place = 0; place < units; place++) draw[place] = Math.floor(next() * units);
    for (const [name, value] of Object.entries(figuresOf(draw))) {
      const values = found.get(name) ?? [];
      found.set(name, values);
      if (value !== null) values.push(value);
    }
  }
  const tail = (1 - level) / 2;
  return Object.fromEntries(
    [...found].flatMap(([name, values]) => {
      if (values.length === 0) return [];
      const ascending = Float64Array.from(values).sort();
      return [[name, [quantile(ascending, tail), quantile(ascending, 1 - tail)]]];
    }),
  );
}

/** The rows of each unit one after the other: those of unit `u` are `rows[starts[u]]` to `rows[starts[u + 1] - 1]`. */
export interface Units {
  readonly starts: Int32Array;
  readonly rows: Int32Array;
}

/** Rows with equal keys are one unit; units in the order of their first rows. */
export function unitsOf(keys: readonly string[]): Units {
  const byKey = new Map<string, number[]>();
  for (const [row, key] of keys.entries()) {
    const rows = byKey.get(key);
    if (rows === undefined) byKey.set(key, [row]);
    else rows.push(row);
  }
  const groups = [...byKey.values()];
  const starts = new Int32Array(groups.length + 1);
  for (const [unit, group] of groups.entries()) {
    starts[unit + 1] = (starts[unit] ?? 0) + group.length;
  }
  return { starts, rows: Int32Array.from(groups.flat()) };
}

/** Calls `visit` with every row of the units drawn. */
export function eachRow(
  { starts, rows }: Units,
  draw: Int32Array,
  visit: (row: number) => void,
): void {
  for (const unit of draw) {
    const end = starts[unit + 1] ?? 0;
    for (let place = starts[unit] ?? 0; place < end; place++) visit(rows[place] ?? 0);
  }
}

/** Mulberry32: a resample draws as many numbers as there are rows, and Threefry would take most of the time. */
function quickRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
