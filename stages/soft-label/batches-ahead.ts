import type { CaptureJob } from './capture.ts';

/**
 * How many batches wait for the device behind the one that it computes: enough for half a second, in which a shard
 * is encoded, and at least four. A fast device so never waits for a file, and whoever stops a pass over a slow one
 * waits for seconds and not for minutes. Fewer where their answers would take more than a little memory, as whole
 * rows of a large vocabulary do.
 */
export function batchesAhead({
  keep,
  tokenBudget,
  teacher,
}: Pick<CaptureJob, 'keep' | 'tokenBudget' | 'teacher'>): () => number {
  const numbers = keep.topK === undefined ? keep.classCount : 2 * keep.topK;
  const most = Math.max(FEWEST, Math.floor(ANSWER_BYTES / (4 * numbers * tokenBudget)));
  return () => {
    const { ms, batches } = teacher?.busy?.() ?? { ms: 0, batches: 0 };
    if (batches === 0) return FEWEST;
    return Math.min(most, Math.max(FEWEST, Math.ceil((batches * AHEAD_MS) / Math.max(ms, 1))));
  };
}

const FEWEST = 4;
const AHEAD_MS = 500;
const ANSWER_BYTES = 2 ** 26;
