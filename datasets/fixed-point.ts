/** Steps of 1/scale nat below 0, up to the largest integer that the column holds. */
export interface FixedPoint {
  readonly scale: number;
  readonly largest: number;
}

/**
 * Log-probabilities at T = 1 as fixed point. `compact` ends 32 nats below 0 and `small` 16: what is
 * less likely is stored as that.
 */
export const FIXED_POINTS = {
  compact: { scale: 2048, largest: 0xffff },
  small: { scale: 16, largest: 0xff },
} as const satisfies Record<string, FixedPoint>;

/** Logits [rows * k] as steps below the log normaliser of their row at T = 1, [rows]. No NaN among them. */
export function toFixedPoint(
  logits: Float32Array,
  logSumExp: Float32Array,
  { scale, largest }: FixedPoint,
): Int32Array {
  const k = logits.length / logSumExp.length;
  const steps = new Int32Array(logits.length);
  for (let row = 0; row < logSumExp.length; row++) {
    const normaliser = logSumExp[row] ?? Number.NaN;
    for (let at = row * k; at < (row + 1) * k; at++) {
      const exact = (normaliser - (logits[at] ?? Number.NaN)) * scale;
      steps[at] = Math.min(Math.max(Math.round(exact), 0), largest);
    }
  }
  return steps;
}

/** Opposite of `toFixedPoint`, to half a step. */
export function fromFixedPoint(
  steps: Int32Array,
  logSumExp: Float32Array,
  { scale }: FixedPoint,
): Float32Array {
  const k = steps.length / logSumExp.length;
  return Float32Array.from(
    steps,
    (step, at) => (logSumExp[Math.floor(at / k)] ?? Number.NaN) - step / scale,
  );
}

/**
 * The log normaliser at T with which the top k [rows * k] add up to 1 - tail exactly, however their
 * logits were rounded. [rows]
 */
export function normaliserFromTail(
  topLogits: Float32Array,
  tailLogMass: Float32Array,
  temperature: number,
): Float32Array {
  const k = topLogits.length / tailLogMass.length;
  return tailLogMass.map((tail, row) => {
    const highest = topLogits[row * k] ?? Number.NaN;
    let sum = 0;
    for (let at = row * k; at < (row + 1) * k; at++) {
      sum += Math.exp(((topLogits[at] ?? Number.NaN) - highest) / temperature);
    }
    return highest / temperature + Math.log(sum) - Math.log(-Math.expm1(tail));
  });
}
