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
  const peakBytes = Math.max(
    now.peakBytes,
    now.residentBytes + onHost * ARENA_FACTOR + ON_THEIR_WAY,
  );
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

const ARENA_FACTOR = 1;
const ON_THEIR_WAY = 0;
