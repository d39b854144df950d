import { logNormalisers } from './log-normalisers.ts';
import type { SoftLabelMeta } from './soft-label-meta.ts';
import type { SampledColumns, SoftLabelNumbers } from './soft-label-rows.ts';

/** The teacher's best class of each row and the probability that it gives it, at temperature 1. */
export interface TopClasses {
  readonly classIds: Int32Array;
  readonly confidences: Float64Array;
}

/** Best class and confidence of each row, whatever the cache keeps of it. */
export function topClasses(rows: SoftLabelNumbers, meta: SoftLabelMeta): TopClasses {
  const classIds = bestClasses(rows, meta);
  if (rows.sampled) return { classIds, confidences: Float64Array.from(rows.sampled.confidence) };
  const normalisers = logNormalisers(rows, meta, 1);
  const confidences = Float64Array.from(classIds, (classId, row) => {
    const logit =
      meta.mode === 'dense'
        ? valueAt(rows.logits, row * meta.classNames.length + classId)
        : valueAt(rows.topLogits, row * (meta.topK ?? 0));
    return Math.min(1, Math.exp(logit - valueAt(normalisers, row)));
  });
  return { classIds, confidences };
}

/** The teacher's best class of each row; of equals the first. */
export function bestClasses(rows: SoftLabelNumbers, meta: SoftLabelMeta): Int32Array {
  switch (meta.mode) {
    case 'dense':
      return highestPlaces(rows.logits, meta.classNames.length);
    case 'top-k':
      return everyFirst(rows.topIds, rows.rowCount);
    case 'sampled':
      return rows.sampled === undefined ? new Int32Array() : firstSamples(rows.sampled);
    default:
      return meta.mode satisfies never;
  }
}

/** Position of the largest of every `width` logits; the first of equals. */
export function highestPlaces(logits: Float32Array, width: number): Int32Array {
  return Int32Array.from({ length: logits.length / width }, (_, row) => {
    const start = row * width;
    let best = start;
    for (let at = start + 1; at < start + width; at++) {
      if ((logits[at] ?? 0) > (logits[best] ?? 0)) best = at;
    }
    return best - start;
  });
}

function everyFirst(topIds: Int32Array, rowCount: number): Int32Array {
  const k = topIds.length / rowCount;
  return Int32Array.from({ length: rowCount }, (_, row) => valueAt(topIds, row * k));
}

function firstSamples({ offsets, ids }: SampledColumns): Int32Array {
  return Int32Array.from(offsets.subarray(0, -1), (offset) => valueAt(ids, offset));
}

function valueAt(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index} of ${values.length}`);
  return value;
}
