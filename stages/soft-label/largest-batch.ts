import type { BatchShape } from './batches.ts';
import { planRows } from './batches.ts';
import type { TeacherRow } from './teacher-rows.ts';

/** Rows that will meet the teacher together. */
export interface PlannedBatch {
  readonly rows: readonly TeacherRow[];
  readonly length: number;
}

/**
 * The batch that needs the most memory: of those with the longest rows (attention grows with the square
 * of the length) the one with the most. Undefined where no row meets the teacher.
 */
export function largestBatch(
  rowsOfShards: Iterable<readonly TeacherRow[]>,
  options: {
    readonly tokenBudget: number;
    readonly maxLength: number;
    readonly shape: BatchShape;
    readonly classCount: number;
  },
): PlannedBatch | undefined {
  let largest: PlannedBatch | undefined;
  for (const rows of rowsOfShards) {
    for (const batch of planRows(rows, options)) {
      const size = batch.rows.length * batch.length ** 2;
      if (largest !== undefined && size <= largest.rows.length * largest.length ** 2) continue;
      largest = { rows: batch.rows.flatMap((row) => rows[row] ?? []), length: batch.length };
    }
  }
  return largest;
}
