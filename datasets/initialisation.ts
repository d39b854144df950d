import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';

const initialisationSchema = z.object({
  version: z.literal(1),
  /** Whose weights were taken. */
  from: z.enum(['teacher', 'checkpoint']),
  /** What the config.json of these says that it was made from. */
  name: z.string().optional(),
  /** SHA-256 of the files with the weights. */
  digests: z.array(z.string()),
  take: z.enum(['all', 'embeddings']),
  /** Of take: all, the layer that each layer of the student was. */
  layers: z.array(z.int()).optional(),
  /** Of take: embeddings, widths of the table before and after. */
  widths: z.tuple([z.int(), z.int()]).optional(),
  /** Of take: all, parameters that started at random all the same. */
  random: z.array(z.string()).optional(),
  /** Of take: all, what the model does differently with the same weights. */
  differences: z.array(z.string()).optional(),
});

/** Where a student's weights started, where it was not at random: initialisation.json beside them. */
export type InitialisationRecord = z.infer<typeof initialisationSchema>;

export async function writeInitialisation(
  folder: string,
  record: InitialisationRecord,
): Promise<void> {
  await writeFileAtomic(join(folder, FILE), `${JSON.stringify(record, null, 2)}\n`);
}

/** Undefined for a student that started at random. */
export async function readInitialisation(
  folder: string,
): Promise<InitialisationRecord | undefined> {
  const path = join(folder, FILE);
  if (!existsSync(path)) return undefined;
  return initialisationSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

const FILE = 'initialisation.json';
