import { logSumExp } from './softmax.ts';

/** The best classes of one row at a temperature, and what is left of the probability. */
export interface TopK {
  /** Best first; of equal logits the smaller class first. */
  readonly ids: Int32Array;
  /** log p_T of those classes, normalised over all. */
  readonly logProbs: Float64Array;
  /** log sum exp(z / T) over all classes. */
  readonly logSumExp: number;
  /** Log of the probability outside the k, summed over those classes; -Infinity when there are none. */
  readonly tailLogMass: number;
}

/** The k largest entries, best first, and the log of all probability outside them. */
export function topK(logits: ArrayLike<number>, k: number, temperature = 1): TopK {
  const scaled = Float64Array.from(logits, (logit) => logit / temperature);
  const valueOf = (id: number): number => scaled[id] ?? Number.NaN;
  const order = Int32Array.from(scaled.keys()).sort((a, b) => valueOf(b) - valueOf(a) || a - b);
  const normaliser = logSumExp(scaled);
  const ids = order.slice(0, k);
  const outside = Float64Array.from(order.subarray(k), valueOf);
  return {
    ids,
    logProbs: Float64Array.from(ids, (id) => valueOf(id) - normaliser),
    logSumExp: normaliser,
    tailLogMass: logSumExp(outside) - normaliser,
  };
}
