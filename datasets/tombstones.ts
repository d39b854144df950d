import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { digestOf } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';

const tombstonesSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** SHA-256 of example ids, sorted: equal sets are equal files, and no id can be read out of them. */
  exampleIdSha256: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
});

/** tombstones.json is not what Decant writes. Going on would bring forgotten rows back. */
export class TombstonesError extends Failure {
  constructor(path: string, reason: string) {
    super(
      'corrupt',
      'E_TOMBSTONES',
      `${path}: ${reason}`,
      'restore the file from a backup; without it forgotten rows come back while the corpus holds them',
    );
  }
}

/** What is kept of a forgotten example: enough to know it again, not enough to name it. */
export function tombstoneOf(exampleId: string): string {
  return digestOf(exampleId);
}

/** Reads the tombstones of a store; a store without the file has none. */
export async function readTombstones(path: string): Promise<Set<string>> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return new Set();
  try {
    return new Set(tombstonesSchema.parse(JSON.parse(text)).exampleIdSha256);
  } catch (error) {
    throw new TombstonesError(path, error instanceof Error ? error.message : String(error));
  }
}

/** Adds tombstones for these examples (atomic); nothing is written where all of them stand already. */
export async function addTombstones(path: string, exampleIds: Iterable<string>): Promise<void> {
  const known = await readTombstones(path);
  const all = new Set([...known, ...[...exampleIds].map(tombstoneOf)]);
  if (all.size === known.size) return;
  const content = { formatVersion: 1, exampleIdSha256: [...all].sort() };
  await writeFileAtomic(path, `${JSON.stringify(content, null, 1)}\n`);
}
