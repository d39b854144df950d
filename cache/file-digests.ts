import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from './atomic-file.ts';
import { digestFile } from './digest.ts';

const entrySchema = z.strictObject({ identity: z.string(), sha256: z.string() });
const memorySchema = z.strictObject({
  schemaVersion: z.literal(1),
  files: z.record(z.string(), entrySchema),
});

/** Digests of files outside the store, remembered so that an unchanged 10 GB corpus is not read again. */
export interface FileDigests {
  digest(path: string): Promise<string>;
  /** Writes what was learnt; a memory that cannot be written is only slower next time. */
  save(): Promise<void>;
}

/**
 * Opens the memory kept at `path`. A digest is remembered by device, inode, size, ctime and mtime in
 * nanoseconds, and only when the file was last changed at least 2 s before it was hashed: a change
 * within the clock's resolution would otherwise go unseen.
 */
export async function openFileDigests(
  path: string,
  options: { readonly rehash?: boolean } = {},
): Promise<FileDigests> {
  const known = new Map(options.rehash ? [] : Object.entries(await readMemory(path)));
  let changed = false;
  return {
    async digest(file) {
      const absolute = resolve(file);
      const identity = await identityOf(absolute);
      const remembered = known.get(absolute);
      if (remembered?.identity === identity) return remembered.sha256;
      const hashedAtNs = BigInt(Date.now()) * 1_000_000n;
      const sha256 = await digestFile(absolute);
      const { mtimeNs, ctimeNs } = await stat(absolute, { bigint: true });
      const settled = hashedAtNs - (mtimeNs > ctimeNs ? mtimeNs : ctimeNs) > SETTLED_NS;
      if (settled && (await identityOf(absolute)) === identity) {
        known.set(absolute, { identity, sha256 });
        changed = true;
      }
      return sha256;
    },
    async save() {
      if (!changed) return;
      const memory = { schemaVersion: 1, files: Object.fromEntries(known) };
      await writeFileAtomic(path, JSON.stringify(memory)).catch(() => undefined);
    },
  };
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino, size, ctimeNs, mtimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, ctimeNs, mtimeNs].join(':');
}

/** An unreadable memory is no memory: everything is hashed again. */
async function readMemory(path: string): Promise<Record<string, z.infer<typeof entrySchema>>> {
  try {
    const parsed = memorySchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data.files : {};
  } catch {
    return {};
  }
}

const SETTLED_NS = 2_000_000_000n;
