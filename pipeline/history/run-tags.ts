import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';

const tagSchema = z.strictObject({ schemaVersion: z.literal(1), runId: z.string() });

export class TagError extends Failure {
  constructor(problem: string, fix: string) {
    super('usage', 'E_TAG', problem, fix);
  }
}

/** Tag -> run id. One file a tag, so that two processes never overwrite each other's. */
export async function readTags(store: string): Promise<Map<string, string>> {
  const folder = tagFolder(store);
  const files = existsSync(folder) ? (await readdir(folder)).sort() : [];
  const tags = new Map<string, string>();
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    const path = join(folder, file);
    tags.set(file.slice(0, -'.json'.length), await readTag(path));
  }
  return tags;
}

/** Names a run: what it made is kept by `cache gc`. An existing tag moves. */
export async function writeTag(store: string, name: string, runId: string): Promise<void> {
  checkTagName(name);
  const tag: z.infer<typeof tagSchema> = { schemaVersion: 1, runId };
  await writeFileAtomic(tagFile(store, name), `${JSON.stringify(tag)}\n`);
}

/** Takes a name away; the run and what it made stay until `cache gc`. */
export async function removeTag(store: string, name: string): Promise<void> {
  checkTagName(name);
  if (!existsSync(tagFile(store, name))) {
    throw new TagError(`there is no tag "${name}"`, 'list them: npx decant history');
  }
  await rm(tagFile(store, name));
}

function checkTagName(name: string): void {
  const isFine = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && name !== 'last';
  if (isFine) return;
  throw new TagError(
    `${JSON.stringify(name)} is no name for a tag`,
    'use letters, digits, ".", "-" and "_", at most 64 of them, and not "last"',
  );
}

async function readTag(path: string): Promise<string> {
  try {
    return tagSchema.parse(JSON.parse(await readFile(path, 'utf8'))).runId;
  } catch (error) {
    // A guess could make `cache gc` remove what the tag protects.
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new TagError(`${path}: ${reason}`, 'remove the file and tag the run again');
  }
}

function tagFolder(store: string): string {
  return join(store, 'tags');
}

function tagFile(store: string, name: string): string {
  return join(tagFolder(store), `${name}.json`);
}
