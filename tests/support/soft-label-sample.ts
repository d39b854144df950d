import type {
  SampledColumns,
  SoftLabelMeta,
  SoftLabelRows,
} from '#datasets/soft-labels/soft-labels.ts';

/** Everything that a cache can be: mode, precision, rows of tokens with teacher features. */
export const SAMPLE_KINDS = ['top-k', 'dense', 'compact', 'small', 'sampled', 'tokens'] as const;
export type SampleKind = (typeof SAMPLE_KINDS)[number];

/** Footer of a small cache: 5 classes, three temperatures, one of them no integer. */
export function sampleMeta(kind: SampleKind): SoftLabelMeta {
  const mode = kind === 'dense' || kind === 'sampled' ? kind : 'top-k';
  return {
    formatVersion: 1,
    mode,
    topK: mode === 'top-k' ? 2 : null,
    ...(mode === 'sampled' && { samples: 50 }),
    temperatures: mode === 'sampled' ? [1] : [1, 1.5, 4],
    classNames: ['card arrival', 'card linking', 'exchange rate', 'Rückzahlung', '💸 top up'],
    fingerprint: 'f'.repeat(64),
    teacherDigest: 'a'.repeat(64),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: 64,
    provider: 'cpu',
    runtime: 'onnxruntime-node 1.30.0',
    precision: kind === 'compact' || kind === 'small' ? kind : 'float32',
    ...(kind === 'tokens' && { perToken: true, hidden: { last_layer: 3 } }),
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
  const stored = meta.mode === 'sampled' ? [] : logits;
  // Examples of three tokens each; they need not begin at 0.
  const idOf = (row: number) => (meta.perToken ? Math.floor(row / 3) : row);
  return {
    rowCount,
    exampleIds: indices.map((row) => idOf(row).toString(16).padStart(32, '0')),
    splits: indices.map(() => 'train'),
    sourceIds: indices.map((row) => (row % 3 === 0 ? null : `row ${row}`)),
    topIds: Int32Array.from(best.flat()),
    topLogits: Float32Array.from(
      best.flatMap((ids, row) => ids.map((id) => logits[row]?.[id] ?? 0)),
    ),
    logits: Float32Array.from(isDense ? logits.flat() : []),
    logSumExp: meta.temperatures.map((t) => Float32Array.from(stored, (z) => logSumExp(z, t))),
    tailLogMass: meta.temperatures.map((t) =>
      Float32Array.from(isDense ? [] : stored, (z, row) => {
        const tail = z.filter((_, id) => !best[row]?.includes(id));
        return logSumExp(tail, t) - logSumExp(z, t);
      }),
    ),
    entropyNats: Float32Array.from(logits, (z) => {
      const probs = z.map((value) => Math.exp(value - logSumExp(z, 1)));
      return -probs.reduce((sum, p) => sum + p * Math.log(p), 0);
    }),
    ...(meta.perToken && { positions: Int32Array.from(indices, (row) => 1 + 2 * (row % 3)) }),
    ...(meta.samples && { sampled: samplesOf(logits, meta.samples) }),
    ...(meta.hidden && {
      hidden: Object.fromEntries(
        Object.entries(meta.hidden).map(([name, width]) => [
          name,
          Float32Array.from({ length: rowCount * width }, (_, at) => Math.sin(at)),
        ]),
      ),
    }),
  };
}

/** As many draws of each class as its probability says, the best class taking what is left. */
function samplesOf(logits: readonly (readonly number[])[], draws: number): SampledColumns {
  const rows = logits.map((z) => {
    const ids = topOf(z, z.length);
    const probs = ids.map((id) => Math.exp((z[id] ?? 0) - logSumExp(z, 1)));
    const counts = probs.map((p, place) => (place === 0 ? 0 : Math.floor(p * draws)));
    counts[0] = draws - counts.reduce((sum, count) => sum + count, 0);
    const drawn = counts.filter((count) => count > 0).length;
    return { ids: ids.slice(0, drawn), counts: counts.slice(0, drawn), confidence: probs[0] ?? 0 };
  });
  let end = 0;
  return {
    offsets: Int32Array.of(0, ...rows.map(({ ids }) => (end += ids.length))),
    ids: Int32Array.from(rows.flatMap(({ ids }) => ids)),
    counts: Int32Array.from(rows.flatMap(({ counts }) => counts)),
    confidence: Float32Array.from(rows, ({ confidence }) => confidence),
  };
}

function topOf(logits: readonly number[], k: number): number[] {
  const ids = logits.map((_, id) => id);
  return ids.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)).slice(0, k);
}

function logSumExp(logits: readonly number[], temperature: number): number {
  return Math.log(logits.reduce((sum, z) => sum + Math.exp(z / temperature), 0));
}
