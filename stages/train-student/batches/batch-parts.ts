import { randomPair } from '#stages/numerics/random.ts';
import type { Feeds, PartResult, Stepper, StepResult } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, type StepScalars, trainingFeeds } from './batch-feeds.ts';
import type { Batch } from './batches.ts';

/** What a step over a batch needs beside it. */
export interface BatchStep {
  readonly layout: BatchLayout;
  readonly scalars: Omit<StepScalars, 'dropoutSeed'>;
  readonly seed: number;
  /** Counted from 0. */
  readonly step: number;
  readonly learningRate: number;
}

/**
 * One step over a batch, in as many parts as the layout's batch size makes of it. A loss is a mean over
 * rows with a target, by the weight of their class where classes have any, so each part counts by its share
 * of these: the gradient is that of the whole batch.
 */
export function stepOverBatch(stepper: Stepper, batch: Batch, given: BatchStep): StepResult {
  const { layout, scalars, seed, step, learningRate } = given;
  const parts = partsOf(batch, layout.batchSize).map((part, index) => {
    const stream = index === 0 ? 'dropout' : `dropout ${index}`;
    return trainingFeeds(part, layout, { ...scalars, dropoutSeed: randomPair(seed, stream, step) });
  });
  const last = parts.at(-1);
  if (last === undefined) throw new RangeError('a batch without rows');
  if (parts.length === 1) return stepper.step(batch.bucket, last, learningRate);
  const shares = WEIGHED.map(({ rows }) =>
    sharesOf(parts, (feeds) => sumOfValues(rows.map((name) => totalOf(feeds, name, layout)))),
  );
  const weighed = parts.map((feeds, part) => weighedBy(feeds, shares, part));
  const results: PartResult[] = weighed
    .slice(0, -1)
    .map((feeds) => stepper.accumulate(batch.bucket, feeds));
  const final = stepper.step(batch.bucket, weighed.at(-1) ?? last, learningRate);
  return { ...sumOf([...results, final], shares), gradNorm: final.gradNorm };
}

/** The batch cut after so many rows. */
function partsOf({ bucket, rows }: Batch, size: number): Batch[] {
  const count = Math.ceil(rows.length / size);
  return Array.from({ length: count }, (_, part) => ({
    bucket,
    rows: rows.slice(part * size, (part + 1) * size),
  }));
}

/** The share of each part in the rows that have a target; 0 where none has. */
function sharesOf(parts: readonly Feeds[], countOf: (feeds: Feeds) => number): number[] {
  const counts = parts.map(countOf);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? 0 : count / total));
}

/** What the rows of a part count together: the divisor of its mean. */
function totalOf(feeds: Feeds, name: string, { classWeights }: BatchLayout): number {
  const weights = feeds[name] ?? NOTHING;
  const { goldIds } = feeds;
  if (name !== 'goldWeights' || classWeights === undefined || goldIds === undefined) {
    return sumOfValues(weights);
  }
  let total = 0;
  for (const [row, weight] of weights.entries()) {
    if (weight > 0) total += weight * (classWeights[goldIds[row] ?? -1] ?? Number.NaN);
  }
  return total;
}

function weighedBy(feeds: Feeds, shares: readonly number[][], part: number): Feeds {
  const scaled = WEIGHED.flatMap(({ weight }, index) => {
    const values = feeds[weight];
    const share = shares[index]?.[part] ?? 0;
    return values === undefined ? [] : [[weight, Float32Array.from(values, (w) => share * w)]];
  });
  return { ...feeds, ...Object.fromEntries(scaled) };
}

/** Losses hold the weights of their parts already; the reported terms do not. */
function sumOf(results: readonly PartResult[], shares: readonly number[][]): PartResult {
  const names = Object.keys(results[0]?.parts ?? {});
  const terms = names.map((name) => {
    const ofTerm = shares[WEIGHED.findIndex(({ term }) => term === name)] ?? [];
    const values = results.map(({ parts }, part) => (ofTerm[part] ?? 0) * (parts[name] ?? NaN));
    return [name, sumOfValues(values)];
  });
  return {
    loss: sumOfValues(results.map(({ loss }) => loss)),
    parts: Object.fromEntries(terms),
  };
}

function sumOfValues(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** Terms of the loss: the feed of their weight, and the feeds that tell which rows have a target. */
const WEIGHED = [
  { term: 'softLoss', weight: 'softLossWeight', rows: ['rowWeights'] },
  { term: 'hintLoss', weight: 'hintLossWeight', rows: ['rowWeights'] },
  { term: 'hardLoss', weight: 'hardLossWeight', rows: ['goldWeights', 'goldRows'] },
] as const;

const NOTHING = new Float32Array();
