import type { SoftLabelMeta, SoftLabelRows } from '#datasets/soft-labels.ts';

/** Footer of a small cache: 5 classes, three temperatures, one of them no integer. */
export function sampleMeta(mode: 'top-k' | 'dense'): SoftLabelMeta {
  return {
    formatVersion: 1,
    mode,
    topK: mode === 'dense' ? null : 2,
    temperatures: [1, 1.5, 4],
    classNames: ['card arrival', 'card linking', 'exchange rate', 'Rückzahlung', '💸 top up'],
    fingerprint: 'f'.repeat(64),
    teacherDigest: 'a'.repeat(64),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: 64,
    provider: 'cpu',
    runtime: 'onnxruntime-node 1.30.0',
    precision: 'float32',
  };
}

/** Rows computed from fixed logits, the slow and obvious way. */
export function sampleRows(meta: SoftLabelMeta, rowCount: number): SoftLabelRows {
  const classCount = meta.classNames.length;
  const indices = Array.from({ length: rowCount }, (_, row) => row);
  const logits = indices.map((row) =>
    Array.from({ length: classCount }, (_, id) =>
      Math.fround(((row * 7 + id * 3) % 11) - 4 + id / 8),
    ),
  );
  const best = logits.map((z) => topOf(z, meta.topK ?? 0));
  const isDense = meta.mode === 'dense';
  return {
    rowCount,
    exampleIds: indices.map((row) => row.toString(16).padStart(32, '0')),
    splits: indices.map(() => 'train'),
    sourceIds: indices.map((row) => (row % 3 === 0 ? null : `row ${row}`)),
    topIds: Int32Array.from(best.flat()),
    topLogits: Float32Array.from(
      best.flatMap((ids, row) => ids.map((id) => logits[row]?.[id] ?? 0)),
    ),
    logits: Float32Array.from(isDense ? logits.flat() : []),
    logSumExp: meta.temperatures.map((t) => Float32Array.from(logits, (z) => logSumExp(z, t))),
    tailLogMass: meta.temperatures.map((t) =>
      Float32Array.from(isDense ? [] : logits, (z, row) => {
        const tail = z.filter((_, id) => !best[row]?.includes(id));
        return logSumExp(tail, t) - logSumExp(z, t);
      }),
    ),
    entropyNats: Float32Array.from(logits, (z) => {
      const probs = z.map((value) => Math.exp(value - logSumExp(z, 1)));
      return -probs.reduce((sum, p) => sum + p * Math.log(p), 0);
    }),
  };
}

function topOf(logits: readonly number[], k: number): number[] {
  const ids = logits.map((_, id) => id);
  return ids.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)).slice(0, k);
}

function logSumExp(logits: readonly number[], temperature: number): number {
  return Math.log(logits.reduce((sum, z) => sum + Math.exp(z / temperature), 0));
}
