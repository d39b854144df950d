import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { digestFile } from '#cache/digest.ts';
import type { HubReference } from './environment.ts';
import { OccupiedFolderError } from './errors.ts';

const fileSchema = z.object({
  path: z.string(),
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const recordSchema = z.object({
  formatVersion: z.literal(1),
  endpoint: z.string(),
  repository: z.string(),
  /** What was asked for: a branch, a tag or a commit. */
  revision: z.string(),
  commit: z.string(),
  /** Of the model card at that commit; absent where it names none. */
  license: z.string().optional(),
  /** False while files are missing. */
  complete: z.boolean(),
  /** As they came from the hub. */
  files: z.array(fileSchema),
  /** Made here of those: path and what it was made from. */
  made: z.array(fileSchema.extend({ from: z.string() })),
});

/** `source.json`: where the files of a teacher came from. */
export type SourceRecord = z.infer<typeof recordSchema>;

/** The record of a folder; undefined where it is absent or empty. Throws where something else lies in it. */
export async function readSource(
  folder: string,
  wanted: HubReference,
): Promise<SourceRecord | undefined> {
  const path = join(folder, NAME);
  if (!existsSync(path)) {
    if (!existsSync(folder) || readdirSync(folder).length === 0) return undefined;
    throw new OccupiedFolderError(folder, `files without a ${NAME}`, wanted.repository);
  }
  const parsed = recordSchema.safeParse(await jsonIn(path));
  if (!parsed.success) throw new OccupiedFolderError(folder, `a broken ${NAME}`, wanted.repository);
  const { repository } = parsed.data;
  if (repository !== wanted.repository) {
    throw new OccupiedFolderError(folder, repository, wanted.repository);
  }
  return parsed.data;
}

/** Writes the record, atomically. */
export async function writeSource(folder: string, record: SourceRecord): Promise<void> {
  await writeFileAtomic(join(folder, NAME), `${JSON.stringify(record, null, 2)}\n`);
}

/** Every file of a complete record is there with its digest. */
export async function holdsAll(folder: string, record: SourceRecord): Promise<boolean> {
  if (!record.complete) return false;
  for (const { path, sha256 } of [...record.files, ...record.made]) {
    const file = join(folder, path);
    if (!existsSync(file) || (await digestFile(file)) !== sha256) return false;
  }
  return true;
}

async function jsonIn(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const NAME = 'source.json';
