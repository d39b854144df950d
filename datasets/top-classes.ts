import { type SoftLabelMeta, temperatureIndex } from './soft-label-meta.ts';
import type { SoftLabelRows } from './soft-label-rows.ts';

/** The teacher's best class of each row and the probability that it gives it, at temperature 1. */
export interface TopClasses {
  readonly classIds: Int32Array;
  readonly confidences: Float64Array;
}

/** Best class and confidence of each row, from the top k with their log-sum-exp or from all logits. */
export function topClasses(rows: SoftLabelRows, meta: SoftLabelMeta): TopClasses {
  const width = meta.mode === 'dense' ? meta.classNames.length : (meta.topK ?? 0);
  const logSumExp = logSumExpAtOne(rows, meta);
  const classIds = new Int32Array(rows.rowCount);
  const confidences = new Float64Array(rows.rowCount);
  for (let row = 0; row < rows.rowCount; row++) {
    const [classId, logit] = bestOf(rows, meta, row, width);
    classIds[row] = classId;
    confidences[row] = Math.min(1, Math.exp(logit - valueAt(logSumExp, row)));
  }
  return { classIds, confidences };
}

/** log sum exp of the logits at temperature 1, one a row. */
export function logSumExpAtOne(rows: SoftLabelRows, meta: SoftLabelMeta): ArrayLike<number> {
  const stored = rows.logSumExp[meta.temperatures.indexOf(1)];
  if (stored !== undefined) return stored;
  // Throws for a top-k cache: without temperature 1 it holds softened probabilities only.
  if (meta.mode !== 'dense') temperatureIndex(meta, 1);
  const width = meta.classNames.length;
  return Float64Array.from({ length: rows.rowCount }, (_, row) =>
    logSumExp(rows.logits.subarray(row * width, (row + 1) * width)),
  );
}

function bestOf(rows: SoftLabelRows, meta: SoftLabelMeta, row: number, width: number) {
  if (meta.mode !== 'dense') {
    return [valueAt(rows.topIds, row * width), valueAt(rows.topLogits, row * width)] as const;
  }
  const logits = rows.logits.subarray(row * width, (row + 1) * width);
  const logit = logits.reduce((best, value) => Math.max(best, value), -Infinity);
  return [logits.indexOf(logit), logit] as const;
}

function logSumExp(logits: Float32Array): number {
  const highest = logits.reduce((best, value) => Math.max(best, value), -Infinity);
  return highest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
}

function valueAt(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index} of ${values.length}`);
  return value;
}
