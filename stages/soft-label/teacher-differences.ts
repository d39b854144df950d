import { logNormalisers } from '#datasets/soft-labels/log-normalisers.ts';
import type {
  SampledColumns,
  SoftLabelMeta,
  SoftLabelRows,
} from '#datasets/soft-labels/soft-labels.ts';
import type { ValueTask } from '#datasets/task.ts';
import { sigmoid } from '#stages/numerics/binary.ts';
import { logSumExp } from '#stages/numerics/softmax.ts';

/** How far the teacher's answer of today is from a cached row. */
export interface RowDifference {
  /** Largest |dp| over the kept classes and the rest, over every stored temperature. */
  readonly maxDp: number;
  /** Sum of |dp| over the same, and of how many. */
  readonly sumDp: number;
  readonly compared: number;
  readonly cachedClass: number;
  readonly teacherClass: number;
}

/** Compares rows of the cache, one at a time, with all logits of the teacher for the same example, [classCount]. */
export function rowDifferences(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
): (row: number, teacherLogits: Float32Array) => RowDifference {
  if (meta.task !== undefined) return valueDifferences(rows, meta.task, meta.classNames.length);
  if (rows.sampled !== undefined) return bestOnly(rows.sampled);
  const normalisers = meta.temperatures.map((temperature) =>
    logNormalisers(rows, meta, temperature),
  );
  return (row, teacherLogits) => {
    const kept = keptClasses(rows, meta, row);
    const differences = meta.temperatures.flatMap((temperature, index) => {
      const normaliser = normalisers[index]?.[row] ?? NaN;
      const tail = rows.tailLogMass[index]?.[row];
      const cached = [...kept.logits].map((z) => Math.exp(z / temperature - normaliser));
      const now = probabilities(teacherLogits, temperature);
      const probs = [...kept.ids].map((id) => now[id] ?? NaN);
      const parts = cached.map((p, place) => Math.abs(p - (probs[place] ?? NaN)));
      return tail === undefined
        ? parts
        : [...parts, Math.abs(Math.exp(tail) - restOf(now, kept.ids))];
    });
    return {
      maxDp: differences.reduce((most, dp) => Math.max(most, dp), 0),
      sumDp: differences.reduce((sum, dp) => sum + dp, 0),
      compared: differences.length,
      cachedClass: kept.ids[bestPlace(kept.logits)] ?? -1,
      teacherClass: bestPlace(teacherLogits),
    };
  };
}

/** Of multi-label the probability of each class, of regression the number itself. */
function valueDifferences(rows: SoftLabelRows, task: ValueTask, width: number) {
  const shown = task === 'multi-label' ? sigmoid : (value: number) => value;
  return (row: number, teacherLogits: Float32Array): RowDifference => {
    const cached = rows.logits.subarray(row * width, (row + 1) * width);
    const parts = Array.from(cached, (value, place) =>
      Math.abs(shown(value) - shown(teacherLogits[place] ?? Number.NaN)),
    );
    return {
      maxDp: parts.reduce((most, dp) => Math.max(most, dp), 0),
      sumDp: parts.reduce((sum, dp) => sum + dp, 0),
      compared: parts.length,
      cachedClass: bestPlace(cached),
      teacherClass: bestPlace(teacherLogits),
    };
  };
}

/** Draws are chance; exact is the probability of the best class, at T = 1. */
function bestOnly({ offsets, ids, confidence }: SampledColumns) {
  return (row: number, teacherLogits: Float32Array): RowDifference => {
    const cachedClass = ids[offsets[row] ?? -1] ?? -1;
    const now = probabilities(teacherLogits, 1)[cachedClass] ?? NaN;
    const dp = Math.abs(now - (confidence[row] ?? NaN));
    const teacherClass = bestPlace(teacherLogits);
    return { maxDp: dp, sumDp: dp, compared: 1, cachedClass, teacherClass };
  };
}

function keptClasses(rows: SoftLabelRows, meta: SoftLabelMeta, row: number) {
  const width = meta.topK ?? meta.classNames.length;
  const [from, to] = [row * width, (row + 1) * width];
  if (meta.mode !== 'dense') {
    return { ids: rows.topIds.subarray(from, to), logits: rows.topLogits.subarray(from, to) };
  }
  const ids = Int32Array.from({ length: width }, (_, id) => id);
  return { ids, logits: rows.logits.subarray(from, to) };
}

/** softmax(logits / temperature) in float64. */
function probabilities(logits: Float32Array, temperature: number): Float64Array {
  const scaled = Float64Array.from(logits, (logit) => logit / temperature);
  const normaliser = logSumExp(scaled);
  return scaled.map((value) => Math.exp(value - normaliser));
}

/** Probability of the classes that are not kept. */
function restOf(probs: Float64Array, keptIds: Int32Array): number {
  const kept = new Set(keptIds);
  return probs.reduce((sum, p, id) => (kept.has(id) ? sum : sum + p), 0);
}

function bestPlace(values: Float32Array): number {
  return values.indexOf(values.reduce((best, value) => Math.max(best, value), -Infinity));
}
