import { normaliserFromTail } from '#datasets/fixed-point.ts';
import { type SoftLabelMeta, temperatureIndex } from './soft-label-meta.ts';
import type { SoftLabelNumbers } from './soft-label-rows.ts';

/**
 * What makes probabilities of the logits at hand: log p_T(i) = z_i / T - normaliser. [rowCount]
 * A dense cache serves every T, a top k those that it holds; samples have no logits.
 */
export function logNormalisers(
  rows: SoftLabelNumbers,
  meta: SoftLabelMeta,
  temperature: number,
): ArrayLike<number> {
  if (meta.mode === 'sampled') throw new RangeError('samples have no logits');
  if (meta.mode === 'dense') return ofAllClasses(rows, meta, temperature);
  const place = temperatureIndex(meta, temperature);
  if (meta.precision === 'float32') return rows.logSumExp[place] ?? new Float32Array();
  // The stored one belongs to the exact logits: with rounded ones the row would not add up to 1.
  const tailLogMass = rows.tailLogMass[place] ?? new Float32Array();
  return normaliserFromTail(rows.topLogits, tailLogMass, temperature);
}

function ofAllClasses(
  { logSumExp, logits, rowCount }: SoftLabelNumbers,
  meta: SoftLabelMeta,
  temperature: number,
): ArrayLike<number> {
  const stored = logSumExp[meta.temperatures.indexOf(temperature)];
  if (stored !== undefined) return stored;
  const width = meta.classNames.length;
  return Float64Array.from({ length: rowCount }, (_, row) =>
    logSumExpOf(logits.subarray(row * width, (row + 1) * width), temperature),
  );
}

/** log sum exp(z / T); -Infinity for no logits. */
export function logSumExpOf(logits: ArrayLike<number>, temperature = 1): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) highest = Math.max(highest, logits[i] ?? Number.NaN);
  if (!Number.isFinite(highest)) return highest;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    sum += Math.exp(((logits[i] ?? Number.NaN) - highest) / temperature);
  }
  return highest / temperature + Math.log(sum);
}
