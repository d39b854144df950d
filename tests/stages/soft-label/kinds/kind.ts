import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { corpusOf, tokensOf } from '../small-run.ts';

/** A teacher with a corpus and settings of its own: what stage one is to do on every device. */
export interface TeacherKind {
  readonly name: string;
  readonly make: () => Promise<TeacherRun>;
  /** Largest |dp| between two devices; of numbers, of the numbers themselves. Default: 1e-3. */
  readonly largestDp?: number;
  /** Also asked by the normal tests: no other test of the CPU compares it with the model by itself. */
  readonly isEverywhere?: true;
}

/** What the stage is given, but for the device. */
export interface TeacherRun {
  readonly inputs: Readonly<Record<string, string>>;
  readonly files: { readonly model: readonly string[]; readonly modelConfig?: readonly string[] };
  readonly config: Readonly<Record<string, unknown>>;
}

/** Rows of each split, few: the models are tiny, and so is a run. */
export const fewRows = corpusOf(24, 4, 4);

/** Tokens of a row that the tiny models know: ids from 1 to 48, at most so many. */
export function tokensUpTo(length: number): typeof tokensOf {
  return (row) => tokensOf(row).slice(0, length);
}

/** The ONNX file of a tiny model that transformers has written, with random weights. */
export async function goldenModel(name: string): Promise<string> {
  return modelFile(await checkpointOnnx(join(goldenFolder, 'hf-golden', name)));
}

/** The bytes as a file. */
export function modelFile(bytes: Uint8Array): string {
  const path = join(temporaryFolder(), 'model.onnx');
  writeFileSync(path, bytes);
  return path;
}

/** Names of so many classes. */
export function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, id) => `class ${id}`);
}
