/** sum p, times the log-ratio: KL(p || q) of two distributions given as logarithms, in nats. */
export function forwardKl(logP: ArrayLike<number>, logQ: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < logP.length; i++) {
    const log = logP[i] ?? Number.NaN;
    // 0 log 0 = 0, also where the other distribution has nothing either.
    if (log !== Number.NEGATIVE_INFINITY) sum += Math.exp(log) * (log - (logQ[i] ?? Number.NaN));
  }
  return sum;
}

/** -sum p log q, in nats. */
export function crossEntropy(probs: ArrayLike<number>, logQ: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < probs.length; i++) {
    const p = probs[i] ?? Number.NaN;
    if (p !== 0) sum -= p * (logQ[i] ?? Number.NaN);
  }
  return sum;
}

/** -sum p log p, in nats. */
export function entropy(logP: ArrayLike<number>): number {
  return crossEntropy(Float64Array.from(logP, Math.exp), logP);
}
