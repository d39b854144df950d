import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Artifact } from './artifact-store.ts';
import { makeFolder, syncPath, TEMPORARY_MARK } from './atomic-file.ts';
import { listFiles } from './digest.ts';
import { readManifest } from './manifest.ts';

/** Something of a store that takes up space: a folder or a file. */
export interface Occupant {
  readonly path: string;
  readonly bytes: number;
  /** When anything in it was last written, in milliseconds. */
  readonly changedAtMs: number;
}

export interface StoreContents {
  readonly artifacts: readonly (Artifact & Occupant)[];
  /** Folders in artifacts/ whose manifest cannot be read: reported and left in place. */
  readonly unreadable: readonly Occupant[];
  /** What interrupted runs left in partial/. */
  readonly partials: readonly Occupant[];
  /** Unfinished files of killed writers outside of the artifacts. */
  readonly temporaries: readonly Occupant[];
}

/** Everything in a store, with sizes. Reads only. */
export async function storeContents(store: string): Promise<StoreContents> {
  const instances = await foldersIn(join(store, 'artifacts'));
  const artifacts: (Artifact & Occupant)[] = [];
  const unreadable: Occupant[] = [];
  for (const folder of (await Promise.all(instances.map(foldersIn))).flat()) {
    const occupant = await occupantOf(folder);
    const manifest = await readManifest(folder).catch(() => undefined);
    if (manifest === undefined) unreadable.push(occupant);
    else artifacts.push({ ...occupant, folder, manifest });
  }
  const partials = await Promise.all((await foldersIn(join(store, 'partial'))).map(occupantOf));
  return { artifacts, unreadable, partials, temporaries: await temporariesIn(store) };
}

/**
 * Removes a folder or file of the store. A sealed artifact is first renamed into partial/, so that a
 * kill in between leaves nothing in artifacts/ that looks whole and is not.
 */
export async function removeOccupant(store: string, { path }: Occupant): Promise<void> {
  const parent = join(path, '..');
  if (!parent.startsWith(join(store, 'artifacts'))) {
    await rm(path, { recursive: true, force: true });
    return;
  }
  const partial = join(store, 'partial');
  makeFolder(partial);
  const doomed = join(partial, `removed-${basename(path)}-${randomBytes(4).toString('hex')}`);
  await rename(path, doomed);
  await syncPath(parent);
  await rm(doomed, { recursive: true, force: true });
}

async function foldersIn(parent: string): Promise<string[]> {
  if (!existsSync(parent)) return [];
  const entries = await readdir(parent, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(parent, name))
    .sort();
}

async function occupantOf(folder: string): Promise<Occupant> {
  const paths = (await listFiles(folder)).map((path) => join(folder, path));
  const stats = await Promise.all([folder, ...paths].map((path) => stat(path)));
  return {
    path: folder,
    bytes: stats.slice(1).reduce((sum, { size }) => sum + size, 0),
    changedAtMs: Math.max(...stats.map(({ mtimeMs }) => mtimeMs)),
  };
}

/** In the store's own folder, in runs/<run id>/ and in tags/: the only places with files of ours. */
async function temporariesIn(store: string): Promise<Occupant[]> {
  const folders = [store, join(store, 'tags'), ...(await foldersIn(join(store, 'runs')))];
  const found: Occupant[] = [];
  for (const folder of folders.filter(existsSync)) {
    for (const name of await readdir(folder)) {
      if (!name.includes(TEMPORARY_MARK)) continue;
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path);
      found.push({ path, bytes: size, changedAtMs: mtimeMs });
    }
  }
  return found;
}
