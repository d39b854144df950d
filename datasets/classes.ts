import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';

/** `classes.json` is not what Decant writes. */
export class ClassesFileError extends Failure {
  constructor(path: string, what: string, options?: ErrorOptions) {
    const fix = 'decant cache verify --repair';
    super('corrupt', 'E_CLASSES_FILE', `${path}: ${what}`, fix, options);
  }
}

/** Writes `classes.json`: the names behind the class ids, in order (atomic). */
export async function writeClasses(folder: string, classNames: readonly string[]): Promise<void> {
  const content = { formatVersion: FORMAT_VERSION, classNames };
  await writeFileAtomic(pathIn(folder), `${JSON.stringify(content, null, 2)}\n`);
}

/** Reads what `writeClasses` wrote. */
export async function readClasses(folder: string): Promise<string[]> {
  const path = pathIn(folder);
  const parsed = contentSchema.safeParse(await readJson(path));
  if (!parsed.success) throw new ClassesFileError(path, z.prettifyError(parsed.error));
  return parsed.data.classNames;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ClassesFileError(path, 'no JSON', { cause: error });
  }
}

function pathIn(folder: string): string {
  return join(folder, 'classes.json');
}

const FORMAT_VERSION = 1;

const contentSchema = z.strictObject({
  formatVersion: z.literal(FORMAT_VERSION),
  classNames: z.array(z.string()),
});
