import { logSumExpOf } from '#datasets/soft-labels/log-normalisers.ts';
import type { SoftLabelMeta, SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { randomFor } from '#stages/numerics/random.ts';

/** A cache as a benchmark wants it. */
export interface CacheShape {
  readonly name: string;
  readonly rowCount: number;
  /** null: every logit. */
  readonly topK: number | null;
  readonly classCount: number;
}

/** Rows of a shape, and the footer of their shards. */
export interface CacheData {
  readonly meta: SoftLabelMeta;
  readonly rows: SoftLabelRows;
}

/**
 * Synthetic rows, always the same: ids by Zipf's law, logits that fall off from the best as the largest of
 * many draws do, hexadecimal ids. What is random in a real cache is random here, so codecs gain nothing.
 */
export function cacheData({ rowCount, topK, classCount }: CacheShape): CacheData {
  const random = fastRandom();
  const width = topK ?? classCount;
  const column = (low: number, high: number) =>
    Float32Array.from({ length: rowCount }, () => low + random() * (high - low));
  const logits =
    topK === null
      ? denseLogits(rowCount * classCount, random)
      : topLogitsOf(rowCount, topK, random);
  // The share outside the top k grows with T, and nothing is outside of all classes.
  const tails = TEMPERATURES.map((t) => (topK === null ? undefined : column(-8 / t, -0.5 / t)));
  const rows: SoftLabelRows = {
    rowCount,
    exampleIds: Array.from({ length: rowCount }, () => hexId(random)),
    splits: Array.from({ length: rowCount }, () => 'train'),
    sourceIds: Array.from({ length: rowCount }, (_, row) => `row-${row}`),
    topIds: topIdsOf(rowCount, topK ?? 0, classCount, random),
    topLogits: topK === null ? new Float32Array() : logits,
    logits: topK === null ? logits : new Float32Array(),
    logSumExp: TEMPERATURES.map((t, place) => normalisers(logits, width, t, tails[place])),
    tailLogMass: tails.map((tail) => tail ?? new Float32Array()),
    entropyNats: column(0, 3),
  };
  return { meta: metaOf(topK, classCount), rows };
}

/** log sum exp(z / T) over all classes, of which the tail has a share too. */
function normalisers(
  logits: Float32Array,
  width: number,
  temperature: number,
  tailLogMass: Float32Array | undefined,
): Float32Array {
  return Float32Array.from({ length: logits.length / width }, (_, row) => {
    const kept = logSumExpOf(logits.subarray(row * width, (row + 1) * width), temperature);
    return kept - Math.log(-Math.expm1(tailLogMass?.[row] ?? Number.NEGATIVE_INFINITY));
  });
}

/** Values of the list columns of one row. */
export function listValues({ topK, classCount }: CacheShape): number {
  return topK === null ? classCount : 2 * topK;
}

function metaOf(topK: number | null, classCount: number): SoftLabelMeta {
  return {
    formatVersion: 1,
    mode: topK === null ? 'dense' : 'top-k',
    topK,
    temperatures: TEMPERATURES,
    classNames: Array.from({ length: classCount }, (_, id) => `class ${id}`),
    fingerprint: 'f'.repeat(64),
    teacherDigest: 'a'.repeat(64),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: 64,
    provider: 'cpu',
    runtime: 'bench',
    precision: 'float32',
  };
}

function topIdsOf(rowCount: number, k: number, classCount: number, random: () => number) {
  const draw = zipf(classCount, random);
  const ids = new Int32Array(rowCount * k);
  for (let start = 0; start < ids.length; start += k) {
    const drawn = new Set<number>();
    while (drawn.size < k) drawn.add(draw());
    ids.set([...drawn], start);
  }
  return ids;
}

/** Descending in each row: spacings of the largest of many draws from an exponential tail. */
function topLogitsOf(rowCount: number, k: number, random: () => number): Float32Array {
  const logits = new Float32Array(rowCount * k);
  for (let row = 0; row < rowCount; row++) {
    const scale = 0.8 + 2.2 * random();
    let logit = 5 + 6 * random();
    for (let place = 0; place < k; place++) {
      if (place > 0) logit += (scale * Math.log(1 - random())) / place;
      logits[row * k + place] = logit;
    }
  }
  return logits;
}

function denseLogits(length: number, random: () => number): Float32Array {
  return Float32Array.from({ length }, () => 4 * (random() + random() + random()) - 8);
}

function hexId(random: () => number): string {
  const word = () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return word() + word() + word() + word();
}

/** Class ids whose frequency falls with their rank to the power of 1.05, as words do. */
function zipf(classCount: number, random: () => number): () => number {
  const cumulated = new Float64Array(classCount);
  let total = 0;
  for (let id = 0; id < classCount; id++) {
    total += (id + 3.7) ** -1.05;
    cumulated[id] = total;
  }
  return () => {
    const wanted = random() * total;
    let [low, high] = [0, classCount - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulated[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** xorshift32: the counter-based generator of the stages would take longer than what is measured. */
function fastRandom(): () => number {
  let state = 1 + Math.floor(randomFor(1, 'bench')() * 2 ** 31);
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const TEMPERATURES = [1, 2, 4];
