/** Checkpoints that were once TensorFlow's call gains gamma and biases beta. */
export function withoutLegacyName(name: string): string {
  return name
    .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
    .replace(/LayerNorm\.beta$/, 'LayerNorm.bias');
}

/** Models without a head are saved without their own name in front. */
export function withModelName<T>(
  tensors: ReadonlyMap<string, T>,
  type: keyof typeof MODEL_PREFIXES,
): ReadonlyMap<string, T> {
  const { prefix, parts } = MODEL_PREFIXES[type];
  return new Map(
    [...tensors].map(([name, tensor]) => [parts.test(name) ? `${prefix}.${name}` : name, tensor]),
  );
}

const MODEL_PREFIXES = {
  modernbert: { prefix: 'model', parts: /^(embeddings|layers|final_norm)\./ },
  gpt2: { prefix: 'transformer', parts: /^(wte|wpe|h|ln_f)\./ },
} as const;
