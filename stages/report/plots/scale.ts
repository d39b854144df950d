/** Maps a value of the data to a place on the paper. */
export interface Scale {
  readonly ticks: readonly number[];
  readonly place: (value: number) => number;
}

/** Straight scale from [low, high] to [from, to], ticks at round numbers inside. */
export function linearScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
  tickCount = 5,
): Scale {
  const width = high - low || 1;
  return {
    ticks: niceTicks(low, high, tickCount),
    place: (value) => from + ((value - low) / width) * (to - from),
  };
}

/** The smallest straight scale that holds both numbers and ends at ticks, about `tickCount` of them. */
export function roundScale(
  low: number,
  high: number,
  [from, to]: readonly [number, number],
  tickCount = 5,
): Scale {
  const ticks = roundTicks(low, high, tickCount);
  return { ...linearScale([ticks[0] ?? low, ticks.at(-1) ?? high], [from, to]), ticks };
}

/** Multiples of a round step, about `count` of them, from the last one below `low` to the first above `high`. */
export function roundTicks(low: number, high: number, count = 5): number[] {
  const step = niceStep((high - low) / count);
  const first = Math.floor(low / step + EPSILON);
  return multiples(first, Math.max(first + 1, Math.ceil(high / step - EPSILON)), step);
}

/** Logarithmic scale; ticks at 1, 2 and 5 of each power of ten where few powers fit, else at the powers. */
export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): Scale {
  const inner = linearScale([Math.log10(low), Math.log10(high)], [from, to]);
  return { ticks: logTicks(low, high), place: (value) => inner.place(Math.log10(value)) };
}

/** Multiples of 1, 2, 2.5 or 5 times a power of ten, about `count` of them, inside [low, high]. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const step = niceStep((high - low) / Math.max(1, count));
  return multiples(Math.ceil(low / step - EPSILON), Math.floor(high / step + EPSILON), step);
}

/** Multiples of a step; multiplying and rounding keeps 0.30000000000000004 off the axis. */
function multiples(first: number, last: number, step: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Moves labels apart so that neighbours are at least `gap` from each other, as little as possible downwards. */
export function spread(
  positions: readonly number[],
  gap: number,
  [lowest, highest]: readonly [number, number],
): number[] {
  const order = positions.map((_, index) => index);
  order.sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0) || a - b);
  const placed = [...positions];
  let next = lowest;
  for (const index of order) {
    placed[index] = Math.max(next, positions[index] ?? 0);
    next = (placed[index] ?? 0) + gap;
  }
  let previous = highest;
  for (const index of order.toReversed()) {
    placed[index] = Math.min(previous, placed[index] ?? 0);
    previous = (placed[index] ?? 0) - gap;
  }
  return placed;
}

function logTicks(low: number, high: number): number[] {
  const powers = Array.from(
    { length: Math.floor(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, index) => 10 ** (Math.floor(Math.log10(low)) + index),
  );
  const factors = powers.length > 3 ? [1] : [1, 2, 5];
  return powers
    .flatMap((power) => factors.map((factor) => factor * power))
    .filter((tick) => tick >= low * (1 - EPSILON) && tick <= high * (1 + EPSILON));
}

function niceStep(raw: number): number {
  if (!(raw > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = [1, 2, 2.5, 5, 10].find((nice) => nice * power >= raw * (1 - EPSILON));
  return (factor ?? 10) * power;
}

const EPSILON = 1e-9;
