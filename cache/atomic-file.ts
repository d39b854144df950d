import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Files with this in their name are unfinished: left by a killed process, never read, removed by the next run. */
export const TEMPORARY_MARK = '.tmp-';

/** Writes a file so that readers see the old one or the new one whole, also after a power loss. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await atomicFile(path, (temporary) => writeFile(temporary, data));
}

/**
 * Runs `write` on a temporary path in the same folder, then fsyncs the file, renames it to `path`
 * and fsyncs the folder. When `write` throws, the temporary file is removed and `path` is untouched.
 */
export async function atomicFile<T>(
  path: string,
  write: (temporaryPath: string) => Promise<T>,
): Promise<T> {
  const folder = dirname(path);
  makeFolder(folder);
  const temporary = `${path}${TEMPORARY_MARK}${randomBytes(4).toString('hex')}`;
  try {
    const result = await write(temporary);
    await syncPath(temporary);
    await rename(temporary, path);
    await syncPath(folder);
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Creates a folder and those above it; one that is there is fine. */
export function makeFolder(path: string): void {
  // Not the promise of Node 20: on a full disk it says ENOENT, which sends people looking for a file.
  mkdirSync(path, { recursive: true });
}

/** fsync of a file or folder: on return its bytes (or its entries) are on the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
