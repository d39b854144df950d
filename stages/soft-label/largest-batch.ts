import { type Batch, type BatchShape, planSizes } from './batches.ts';
import type { Shard } from './shards.ts';
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
export async function largestBatch(
  shards: Iterable<Shard>,
  freshOf: (rows: readonly TeacherRow[]) => readonly TeacherRow[],
  options: {
    readonly tokenBudget: number;
    readonly maxLength: number;
    readonly shape: BatchShape;
    readonly classCount: number;
  },
): Promise<PlannedBatch | undefined> {
  let largest: { readonly shard: Shard; readonly batch: Batch } | undefined;
  for (const shard of shards) {
    for (const batch of planSizes(shard.fresh, options)) {
      if (largest !== undefined && attentionOf(batch) <= attentionOf(largest.batch)) continue;
      largest = { shard, batch };
    }
  }
  if (largest === undefined) return undefined;
  const { shard, batch } = largest;
  const rows = freshOf(await shard.read());
  return { rows: batch.rows.flatMap((row) => rows[row] ?? []), length: batch.length };
}

/** What grows fastest with a batch: its matrices of attention. */
export function attentionOf({ rows, length }: Batch): number {
  return rows.length * length ** 2;
}
