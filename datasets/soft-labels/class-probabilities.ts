import { logNormalisers } from './log-normalisers.ts';
import { type SoftLabelMeta, temperatureIndex } from './soft-label-meta.ts';
import type { SampledColumns, SoftLabelRows } from './soft-label-rows.ts';

/** The two most probable classes of a row, at temperature 1. */
export interface BestTwo {
  readonly classId: number;
  /** p(best) - p(second best), 0 to 1. */
  readonly margin: number;
}

/**
 * What the teacher gives to every class, at temperature 1; row -> [classCount]. Classes outside the top
 * k share the tail evenly: their sum is exact, and none of them can be the best.
 */
export function classProbabilities(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
): (row: number) => Float64Array {
  const classCount = meta.classNames.length;
  if (rows.sampled !== undefined) return sampledProbabilities(rows.sampled, classCount);
  const logSumExp = logNormalisers(rows, meta, 1);
  if (meta.mode === 'dense') {
    return (row) => {
      const logits = rows.logits.subarray(row * classCount, (row + 1) * classCount);
      return Float64Array.from(logits, (logit) => Math.exp(logit - valueAt(logSumExp, row)));
    };
  }
  const topK = meta.topK ?? 0;
  const tails = tailsAtOne(rows, meta);
  return (row) => {
    const outside = Math.exp(valueAt(tails, row)) / Math.max(1, classCount - topK);
    const probs = new Float64Array(classCount).fill(outside);
    for (let place = row * topK; place < (row + 1) * topK; place++) {
      const logProb = valueAt(rows.topLogits, place) - valueAt(logSumExp, row);
      probs[valueAt(rows.topIds, place)] = Math.exp(logProb);
    }
    return probs;
  };
}

/** Best class and margin of each row, without a look at the classes that cannot be among the two. */
export function bestTwo(rows: SoftLabelRows, meta: SoftLabelMeta): (row: number) => BestTwo {
  const topK = meta.topK ?? 0;
  const ofRow = classProbabilities(rows, meta);
  if (meta.mode !== 'top-k' || topK < 2) return (row) => bestTwoOf(ofRow(row));
  const logSumExp = logNormalisers(rows, meta, 1);
  return (row) => {
    const probOf = (place: number) =>
      Math.exp(valueAt(rows.topLogits, row * topK + place) - valueAt(logSumExp, row));
    return { classId: valueAt(rows.topIds, row * topK), margin: probOf(0) - probOf(1) };
  };
}

/** The same of given probabilities. */
export function bestTwoOf(probs: Float64Array): BestTwo {
  let [best, second] = [0, 0];
  let classId = 0;
  for (const [id, prob] of probs.entries()) {
    if (prob > best) [best, second, classId] = [prob, best, id];
    else second = Math.max(second, prob);
  }
  return { classId, margin: best - second };
}

/** How often each class was drawn, as a share: an estimate, at the temperature of the draws. */
function sampledProbabilities(
  { offsets, ids, counts }: SampledColumns,
  classCount: number,
): (row: number) => Float64Array {
  return (row) => {
    const probs = new Float64Array(classCount);
    const [from = 0, to = 0] = offsets.subarray(row, row + 2);
    const drawn = counts.subarray(from, to).reduce((sum, count) => sum + count, 0);
    for (let place = from; place < to; place++) {
      probs[valueAt(ids, place)] = valueAt(counts, place) / drawn;
    }
    return probs;
  };
}

function tailsAtOne(rows: SoftLabelRows, meta: SoftLabelMeta): Float32Array {
  return rows.tailLogMass[temperatureIndex(meta, 1)] ?? new Float32Array();
}

function valueAt(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index} of ${values.length}`);
  return value;
}
