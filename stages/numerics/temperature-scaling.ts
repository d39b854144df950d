/**
 * The divisor of the logits with which they explain these classes best: the minimum of the negative
 * log-likelihood (temperature scaling, Guo et al. 2017). `logits` [rows * classCount], `goldIds` [rows]. Stays
 * between 1/8 and 8: rows that are all right would ask for 0, and others for no end.
 */
export function fitTemperature(logits: Float32Array, goldIds: ArrayLike<number>): number {
  const classCount = logits.length / goldIds.length;
  let [least, most] = [Math.log(1 / LIMIT), Math.log(LIMIT)];
  // The likelihood is concave in 1 / T, so that its slope changes its sign once.
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (least + most) / 2;
    if (slope(logits, goldIds, classCount, Math.exp(middle)) > 0) most = middle;
    else least = middle;
  }
  return Math.exp(-(least + most) / 2);
}

/** Derivative of the negative log-likelihood by 1 / T: what the model expects the logit to be, less that of gold. */
function slope(
  logits: Float32Array,
  goldIds: ArrayLike<number>,
  classCount: number,
  inverse: number,
): number {
  let sum = 0;
  for (let row = 0; row < goldIds.length; row++) {
    const own = logits.subarray(row * classCount, (row + 1) * classCount);
    const highest = own.reduce((best, logit) => Math.max(best, logit), Number.NEGATIVE_INFINITY);
    let [weights, expected] = [0, 0];
    for (const logit of own) {
      const weight = Math.exp((logit - highest) * inverse);
      weights += weight;
      expected += weight * logit;
    }
    sum += expected / weights - (own[goldIds[row] ?? -1] ?? Number.NaN);
  }
  return sum;
}

const LIMIT = 8;
/** Of a range of two times log 8: to 1e-8. */
const HALVINGS = 28;
