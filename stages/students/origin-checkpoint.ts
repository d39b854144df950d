import type { LazyTensor } from './origin.ts';
import { asBert, type OriginFamily } from './origin-names.ts';
import { readSafetensors } from './safetensors.ts';
import { withModelName, withoutLegacyName } from './stored-names.ts';

/** The tensors of safetensors files by the names of our students. */
export async function checkpointTensors(
  files: readonly string[],
  family: OriginFamily,
): Promise<ReadonlyMap<string, LazyTensor>> {
  const tensors = await storedTensors(files);
  const { type } = family;
  return type === 'modernbert' || type === 'gpt2'
    ? withModelName(tensors, type)
    : asBert(tensors, family);
}

/** The tensors of safetensors files by the names that they have there. */
export async function storedTensors(files: readonly string[]): Promise<Map<string, LazyTensor>> {
  const tensors = new Map<string, LazyTensor>();
  for (const file of files) {
    for (const [name, tensor] of await readSafetensors(file, { skipIntegers: true })) {
      tensors.set(withoutLegacyName(name), { shape: tensor.shape, read: () => tensor });
    }
  }
  return tensors;
}
