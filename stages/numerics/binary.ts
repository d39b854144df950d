/** 1 / (1 + e^-z): probability of a yes. */
export function sigmoid(logit: number): number {
  return logit >= 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit));
}

/** log(1 + e^z) = -log(1 - sigmoid(z)), without overflow. */
export function softplus(logit: number): number {
  return Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit)));
}

/** Entropy of a yes or no, in nats: log(1 + e^z) - z sigmoid(z). */
export function binaryEntropy(logit: number): number {
  // Symmetric, and for large |z| the difference would cancel: log(1 + e^-a) + a sigmoid(-a).
  const distance = Math.abs(logit);
  return Math.log1p(Math.exp(-distance)) + distance * sigmoid(-distance);
}
