import type { ValueTask } from '#datasets/task.ts';
import { binaryEntropy } from '#stages/numerics/binary.ts';
import type { LabelColumns } from './label-columns.ts';

/** Answers that are no distribution, as columns: `logits` is [rows, classCount]. */
export function valueColumns(
  logits: Float32Array,
  task: ValueTask,
  classCount: number,
): LabelColumns {
  const rows = logits.length / classCount;
  return {
    topIds: new Int32Array(),
    topLogits: new Float32Array(),
    logits,
    logSumExp: [],
    tailLogMass: [],
    entropyNats: Float32Array.from({ length: rows }, (_, row) =>
      task === 'regression'
        ? 0
        : entropyOf(logits.subarray(row * classCount, (row + 1) * classCount)),
    ),
  };
}

/** Of all classes together, each a yes or no of its own, in nats. */
function entropyOf(logits: Float32Array): number {
  return logits.reduce((sum, logit) => sum + binaryEntropy(logit), 0);
}
