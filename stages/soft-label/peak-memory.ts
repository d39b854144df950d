import type { Census } from '#stages/onnx/census.ts';

/** What a pass will need at most. */
export interface StatedPeak {
  /** Of the whole process, as the system counts it. */
  readonly peakBytes: number;
  /** Of ONNX Runtime's arena, weights left out. */
  readonly arenaBytes: number;
}

/**
 * What the process holds now, the weights among it, and what the largest batch needs on top: as much a
 * row as the probed rows of the same length did.
 */
export function statedPeak(
  { activationBytes }: Census,
  provider: string,
  { rows, probedRows }: { readonly rows: number; readonly probedRows: number },
  now: MemoryNow = memoryNow(),
): StatedPeak {
  const arenaBytes = (activationBytes * Math.max(rows, probedRows)) / probedRows;
  const onHost = provider === 'cuda' ? 0 : arenaBytes;
  // Loading may have taken more than running will.
  const peakBytes = Math.max(now.peakBytes, now.residentBytes + onHost + GARBAGE_BYTES);
  return { peakBytes: Math.round(peakBytes), arenaBytes: Math.round(arenaBytes) };
}

interface MemoryNow {
  readonly residentBytes: number;
  readonly peakBytes: number;
}

function memoryNow(): MemoryNow {
  return {
    residentBytes: process.memoryUsage().rss,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

// Shards on their way to the disk, and what JavaScript leaves lying about before it collects it.
const GARBAGE_BYTES = 32 * 2 ** 20;
