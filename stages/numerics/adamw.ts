/** AdamW's vectors; `step` counts the updates so far. */
export interface AdamW {
  readonly weights: Float64Array;
  readonly firstMoment: Float64Array;
  readonly secondMoment: Float64Array;
  readonly step: number;
}

export interface AdamWOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** 1 where the decay applies, else 0. */
  readonly decayMask: ArrayLike<number>;
}

/** One update of AdamW as PyTorch writes it: first the decay, then Adam's own step. */
export function adamwUpdate(
  state: AdamW,
  gradient: ArrayLike<number>,
  options: AdamWOptions,
): AdamW {
  const { learningRate, beta1, beta2, epsilon, weightDecay, decayMask } = options;
  const step = state.step + 1;
  const weights = state.weights.slice();
  const firstMoment = state.firstMoment.slice();
  const secondMoment = state.secondMoment.slice();
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i] ?? Number.NaN;
    const m = beta1 * (firstMoment[i] ?? Number.NaN) + (1 - beta1) * g;
    const v = beta2 * (secondMoment[i] ?? Number.NaN) + (1 - beta2) * g * g;
    const decayed =
      (weights[i] ?? Number.NaN) * (1 - learningRate * weightDecay * (decayMask[i] ?? 0));
    const scale = Math.sqrt(v / (1 - beta2 ** step)) + epsilon;
    weights[i] = decayed - (learningRate * (m / (1 - beta1 ** step))) / scale;
    firstMoment[i] = m;
    secondMoment[i] = v;
  }
  return { weights, firstMoment, secondMoment, step };
}

/** The gradient scaled down to the largest allowed norm, as torch.nn.utils.clip_grad_norm_ does. */
export function clipByNorm(
  gradient: ArrayLike<number>,
  maxNorm: number,
): { readonly norm: number; readonly clipped: Float64Array } {
  const norm = Math.hypot(...Array.from(gradient));
  const scale = Math.min(1, maxNorm / (norm + 1e-6));
  return { norm, clipped: Float64Array.from(gradient, (g) => g * scale) };
}
