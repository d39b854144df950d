import { canonicalJson } from '#cache/fingerprint.ts';
import {
  fieldOf,
  isRange,
  type SweepRange,
  type SweepSection,
} from '#pipeline/config/sections/sweep.ts';
import { randomFor, shuffle } from '#stages/numerics/random.ts';

/** Settings of one trial, by name. */
export type TrialSettings = Readonly<Record<string, unknown>>;

/**
 * Settings to try, in order: every combination of the lists; at random where `trials` or a
 * range asks for it, and then each combination once. More trials begin with the same ones.
 */
export function* trialSettings(section: SweepSection): Generator<TrialSettings> {
  const { over, trials, seed } = section;
  const random = randomFor(seed, 'sweep');
  const lists = Object.entries(over).flatMap(([name, values]): [string, readonly unknown[]][] =>
    isRange(values) ? [] : [[name, values]],
  );
  if (lists.length === Object.keys(over).length) {
    const all = combinations(lists);
    yield* trials === undefined ? all : shuffle(all, random);
    return;
  }
  const seen = new Set<string>();
  // A range that has few values, such as whole numbers, may be used up.
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const drawn = Object.fromEntries(
      Object.entries(over).map(([name, values]) => [name, drawOne(name, values, random)]),
    );
    const key = canonicalJson(drawn);
    if (seen.has(key)) continue;
    seen.add(key);
    yield drawn;
  }
}

function combinations(lists: readonly [string, readonly unknown[]][]): TrialSettings[] {
  return lists.reduce<TrialSettings[]>(
    (settings, [name, values]) =>
      settings.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

function drawOne(
  name: string,
  values: readonly unknown[] | SweepRange,
  random: () => number,
): unknown {
  if (!isRange(values)) return values[Math.floor(random() * values.length)];
  const { from, to, scale } = values;
  const isWhole = fieldOf(name)?.safeParse(from + 0.5).success === false;
  const [low, high] = isWhole ? [from - 0.5, to + 0.5] : [from, to];
  const share = random();
  const drawn = scale === 'log' ? low * (high / low) ** share : low + share * (high - low);
  const rounded = isWhole ? Math.round(drawn) : Number(drawn.toPrecision(DIGITS));
  return Math.min(to, Math.max(from, rounded));
}

/** Digits of a drawn number: it is to be written into decant.yaml. */
const DIGITS = 3;
const MOST_ATTEMPTS = 100_000;
