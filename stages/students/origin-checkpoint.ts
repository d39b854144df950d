import type { LazyTensor } from './origin.ts';
import { asBert, type OriginFamily } from './origin-names.ts';
import { readSafetensors } from './safetensors.ts';

/** The tensors of safetensors files by the names of our students. */
export async function checkpointTensors(
  files: readonly string[],
  family: OriginFamily,
): Promise<ReadonlyMap<string, LazyTensor>> {
  const tensors = new Map<string, LazyTensor>();
  for (const file of files) {
    for (const [name, tensor] of await readSafetensors(file, { skipIntegers: true })) {
      tensors.set(withoutLegacyName(name), { shape: tensor.shape, read: () => tensor });
    }
  }
  return family.type === 'modernbert' ? withModel(tensors) : asBert(tensors, family);
}

/** Checkpoints that were once TensorFlow's call gains gamma and biases beta. */
export function withoutLegacyName(name: string): string {
  return name
    .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
    .replace(/LayerNorm\.beta$/, 'LayerNorm.bias');
}

/** A ModernBERT without a head is saved without `model.` in front. */
function withModel(tensors: ReadonlyMap<string, LazyTensor>): ReadonlyMap<string, LazyTensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      /^(embeddings|layers|final_norm)\./.test(name) ? `model.${name}` : name,
      tensor,
    ]),
  );
}
