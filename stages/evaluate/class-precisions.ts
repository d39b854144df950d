import { averagePrecision } from '#stages/numerics/average-precision.ts';
import type { Scores } from './scores.ts';

/**
 * Average precision of each class against all others on these rows, in class order: null of a class without gold
 * rows. Undefined where the scores do not say how likely every class is, as those of a cache that keeps a top k.
 */
export function averagePrecisions(
  scores: Scores,
  rows: readonly number[],
  goldIds: Int32Array,
  classCount: number,
): (number | null)[] | undefined {
  if (scores.logits.length !== scores.rowCount * classCount) return undefined;
  const present = new Set(goldIds);
  return Array.from({ length: classCount }, (_, classId) => {
    if (!present.has(classId)) return null;
    const logProbs = Float64Array.from(rows, (row) => scores.logProbOf(row, classId).value);
    return averagePrecision(
      logProbs,
      Array.from(goldIds, (goldId) => goldId === classId),
    );
  });
}
