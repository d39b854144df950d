import { requireSameClasses } from '#datasets/class-list.ts';
import type { Predictions } from '#datasets/predictions.ts';
import { logNormalisers } from '#datasets/soft-labels/log-normalisers.ts';
import { type SoftLabelMeta, temperatureIndex } from '#datasets/soft-labels/soft-label-meta.ts';
import { concatRows, type SoftLabelRows } from '#datasets/soft-labels/soft-label-rows.ts';
import { topClasses } from '#datasets/soft-labels/top-classes.ts';
import { openExampleLabels } from '#datasets/window-means.ts';

/** What a model says of the test rows, and how likely it finds any class of a row. */
export interface Scores extends Predictions {
  logProbOf(row: number, classId: number): LogProb;
}

export interface LogProb {
  readonly value: number;
  /** The class stands outside the kept top k: its log-probability is at most `value`. */
  readonly isBound: boolean;
}

/** Scores of a student from its logits, [rows, classCount]. */
export function scoresFromLogits(
  exampleIds: readonly string[],
  logits: Float32Array,
  classCount: number,
): Scores {
  const rowCount = exampleIds.length;
  const predictedIds = new Int32Array(rowCount);
  const confidence = new Float32Array(rowCount);
  const logSumExps = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const rowLogits = logits.subarray(row * classCount, (row + 1) * classCount);
    const highest = rowLogits.reduce((best, logit) => Math.max(best, logit), -Infinity);
    const sum = rowLogits.reduce((total, logit) => total + Math.exp(logit - highest), 0);
    predictedIds[row] = rowLogits.indexOf(highest);
    confidence[row] = 1 / sum;
    logSumExps[row] = highest + Math.log(sum);
  }
  return {
    rowCount,
    exampleIds,
    predictedIds,
    confidence,
    logits,
    logProbOf: (row, classId) => ({
      value: valueAt(logits, row * classCount + classId) - valueAt(logSumExps, row),
      isBound: false,
    }),
  };
}

/** The teacher's scores, from its cache alone: no model runs. */
export async function teacherScores(
  folder: string,
  classNames: readonly string[],
): Promise<Scores> {
  const reader = await openExampleLabels(folder);
  try {
    requireSameClasses(folder, reader.meta.classNames, classNames);
    const parts: SoftLabelRows[] = [];
    for await (const rows of reader.rows()) parts.push(rows);
    return scoresFromSoftLabels(concatRows(parts), reader.meta);
  } finally {
    await reader.close();
  }
}

/** Scores from soft labels; a class that was not kept is bounded by what was. */
export function scoresFromSoftLabels(rows: SoftLabelRows, meta: SoftLabelMeta): Scores {
  const { classIds, confidences } = topClasses(rows, meta);
  return {
    rowCount: rows.rowCount,
    exampleIds: rows.exampleIds,
    ...(rows.positions && { positions: rows.positions }),
    predictedIds: classIds,
    confidence: Float32Array.from(confidences),
    logits: rows.logits,
    logProbOf: logProbOf(rows, meta, classIds, confidences),
  };
}

function logProbOf(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  classIds: Int32Array,
  confidences: Float64Array,
): Scores['logProbOf'] {
  switch (meta.mode) {
    case 'dense':
      return denseLogProb(rows, meta);
    case 'top-k':
      return topKLogProb(rows, meta);
    case 'sampled':
      return sampledLogProb(classIds, confidences);
    default:
      return meta.mode satisfies never;
  }
}

function denseLogProb(rows: SoftLabelRows, meta: SoftLabelMeta): Scores['logProbOf'] {
  const normalisers = logNormalisers(rows, meta, 1);
  const classCount = meta.classNames.length;
  return (row, classId) => ({
    value: valueAt(rows.logits, row * classCount + classId) - valueAt(normalisers, row),
    isBound: false,
  });
}

/** Draws estimate, but only the best class is known exactly: it bounds every other one. */
function sampledLogProb(classIds: Int32Array, confidences: Float64Array): Scores['logProbOf'] {
  return (row, classId) => {
    const confidence = valueAt(confidences, row);
    if (classId === classIds[row]) return { value: Math.log(confidence), isBound: false };
    return { value: Math.log(Math.min(confidence, 1 - confidence)), isBound: true };
  };
}

/** Outside the top k, the tail and the k-th class are bounds. */
function topKLogProb(rows: SoftLabelRows, meta: SoftLabelMeta): Scores['logProbOf'] {
  const normalisers = logNormalisers(rows, meta, 1);
  const tail = rows.tailLogMass[temperatureIndex(meta, 1)] ?? new Float32Array();
  const topK = meta.topK ?? 0;
  return (row, classId) => {
    const ids = rows.topIds.subarray(row * topK, (row + 1) * topK);
    const place = ids.indexOf(classId);
    const kept = place === -1 ? topK - 1 : place;
    const logProb = valueAt(rows.topLogits, row * topK + kept) - valueAt(normalisers, row);
    if (place !== -1) return { value: logProb, isBound: false };
    return { value: Math.min(logProb, valueAt(tail, row)), isBound: true };
  };
}

function valueAt(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index} of ${values.length}`);
  return value;
}
