import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenFolder, sampleFolder } from '#tests/support/paths.ts';

/** Commit of every repository. */
export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** Files of the mini teacher as a repository of the hub has them, and one that nobody wants. */
export function miniTeacher(): Record<string, Buffer> {
  const teacher = join(sampleFolder('mini'), 'teacher');
  const files = filesBelow(teacher).map((path) => [path, readFileSync(join(teacher, path))]);
  return { ...Object.fromEntries(files), 'weights.h5': Buffer.alloc(3000) };
}

/** A BERT checkpoint without tokenizer.json and without ONNX. */
export function goldenBert(): Record<string, Buffer> {
  const golden = join(goldenFolder, 'hf-golden', 'bert');
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const words = Array.from({ length: 95 }, (_, index) => `word${index}`);
  return {
    'config.json': readFileSync(join(golden, 'config.json')),
    'model.safetensors': readFileSync(join(golden, 'model.safetensors')),
    'vocab.txt': Buffer.from(`${[...special, ...words].join('\n')}\n`),
  };
}

/** Paths of all files below a folder, relative to it and sorted. */
export function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}
