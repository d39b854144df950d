import { type Scheduled, stretchesOf } from '#stages/train-student/settings/schedules.ts';
import type { TransferSetAt } from '#stages/train-student/targets/temperatures.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';
import { type Batch, type BatchOrder, trainingBatches } from './batches.ts';

/** The rows of a training, and how their soft targets follow the temperature. */
export interface ScheduledRows {
  /** With targets of the first temperature, or of all. */
  readonly transferSet: TransferSet;
  /** Set where each temperature has targets of its own. */
  readonly transferSetAt?: TransferSetAt | undefined;
}

/** As `trainingBatches`; the soft targets of each batch are of the temperature of its step. */
export async function* scheduledBatches(
  { transferSet, transferSetAt }: ScheduledRows,
  order: BatchOrder & { readonly temperature: Scheduled; readonly steps: number },
  firstStep: number,
): AsyncGenerator<Batch, void, void> {
  if (transferSetAt === undefined) return yield* trainingBatches(transferSet, order, firstStep);
  const stretches = stretchesOf(order.temperature, order.steps);
  for (const [index, { value, from }] of stretches.entries()) {
    const end = stretches[index + 1]?.from ?? order.steps;
    let step = Math.max(from, firstStep);
    if (step >= end) continue;
    const set = index === 0 ? transferSet : await transferSetAt(value);
    for await (const batch of trainingBatches(set, order, step)) {
      yield batch;
      step += 1;
      if (step >= end) break;
    }
  }
}
