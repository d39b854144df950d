import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { buildTokenizer } from '#datasets/tokens/tokenizer-building.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';

/** A file of a teacher that was made here. */
export interface MadeFile {
  readonly path: string;
  /** What it was made from, for people. */
  readonly from: string;
}

/** Where a graph may lie in a folder of Hugging Face, the first one that is there counts. */
export const ONNX_FILES = ['onnx/model.onnx', 'model.onnx'] as const;

/**
 * Makes tokenizer.json from a vocabulary and onnx/model.onnx from model.safetensors, each where `has`
 * says that the teacher came without it. `name` is what an exporter is to be given otherwise.
 */
export async function makeMissingFiles(
  folder: string,
  teacher: { readonly name: string; has(path: string): boolean },
): Promise<MadeFile[]> {
  const made: MadeFile[] = [];
  const keep = async (path: string, from: string, data: string | Uint8Array) => {
    await writeFileAtomic(join(folder, path), data);
    made.push({ path, from });
  };
  if (!teacher.has('tokenizer.json')) {
    const tokenizer = await buildTokenizer(folder);
    if (tokenizer !== undefined) await keep('tokenizer.json', tokenizer.from, tokenizer.json);
  }
  if (!ONNX_FILES.some((path) => teacher.has(path))) {
    const bytes = await checkpointOnnx(folder, teacher.name);
    await keep('onnx/model.onnx', 'model.safetensors', bytes);
  }
  return made;
}
