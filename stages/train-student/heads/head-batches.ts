import {
  type Batch,
  type BatchOrder,
  trainingBatches,
} from '#stages/train-student/batches/batches.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';

/** The rows of one head, and the sequence lengths of its batches. */
export interface HeadRows {
  readonly transferSet: TransferSet;
  readonly buckets: readonly number[];
}

/**
 * The head of each step: in proportion to the rows of the heads, as evenly spread as whole steps can be. Each step
 * takes the head that is most behind its share; of equal ones the first.
 */
export function headOfSteps(rowCounts: readonly number[], steps: number): Int32Array {
  const total = rowCounts.reduce((sum, count) => sum + count, 0);
  const taken = rowCounts.map(() => 0);
  return Int32Array.from({ length: steps }, (_, step) => {
    const behind = rowCounts.map(
      (count, head) => ((step + 1) * count) / total - (taken[head] ?? 0),
    );
    const head = behind.indexOf(Math.max(...behind));
    taken[head] = (taken[head] ?? 0) + 1;
    return head;
  });
}

/**
 * A batch of one head a step, from `firstStep` on. The step alone tells whose turn it is and, by the turns before
 * it, where the loader of each head stands: a checkpoint holds no place.
 */
export async function* headBatches(
  heads: readonly HeadRows[],
  order: Omit<BatchOrder, 'buckets'> & { readonly steps: number },
  firstStep: number,
): AsyncGenerator<Batch, void, void> {
  const turns = headOfSteps(
    heads.map(({ transferSet }) => transferSet.rowCount),
    order.steps,
  );
  const before = turns.subarray(0, firstStep);
  const loaders = heads.map(({ transferSet, buckets }, head) => {
    const taken = before.filter((turn) => turn === head).length;
    return trainingBatches(transferSet, { ...order, buckets }, taken);
  });
  for (const head of turns.subarray(firstStep)) {
    const next = await loaders[head]?.next();
    if (next === undefined) throw new Error(`there is no head ${head}`);
    yield { ...next.value, head };
  }
}
