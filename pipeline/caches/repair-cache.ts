import { readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { artifactFolder, outputFolder, partialFolder } from '#cache/artifact-store.ts';
import { makeFolder, syncPath } from '#cache/atomic-file.ts';
import { SPLITS } from '#datasets/example.ts';
import { readShardFooter } from '#datasets/soft-labels/shard-footer.ts';
import type { Project } from '#pipeline/project.ts';
import type { Order } from '#pipeline/run/plan.ts';
import { type CacheFolder, currentOrder, NoCacheError } from './soft-label-caches.ts';
import type { Verification } from './verify-cache.ts';

/** What a repair has to keep to: the order that made the cache and the device of its good files. */
export interface Repair {
  readonly order: Order;
  /** undefined where no file is good, or good ones come from several: then the run decides. */
  readonly device: string | undefined;
}

/** Refuses what cannot be repaired here, before anything is touched. */
export async function planRepair(
  project: Project,
  { folder, teacher }: CacheFolder,
  { findings }: Verification,
): Promise<Repair> {
  const order = await currentOrder(project, teacher);
  if (order === undefined || artifactFolder(project.store, order) !== folder) {
    throw new NoCacheError(
      `${basename(folder)} is not the cache that the configuration asks for, and only that one can be made again`,
      'set the configuration back to what made it, or clear it up with `npx decant cache gc`',
    );
  }
  const provider = await goodProvider(folder, brokenFiles(findings));
  // On another provider the run would have to drop the good files: a cache never mixes them.
  return { order, device: ['cpu', 'cuda'].find((device) => device === provider) };
}

/** Where the good files were made. */
async function goodProvider(
  folder: string,
  broken: readonly string[],
): Promise<string | undefined> {
  for (const output of SPLITS.map((split) => `rows/${split}`)) {
    if (broken.includes(output)) continue;
    const names = await readdir(outputFolder(folder, output)).catch(() => []);
    const good = names.find((name) => !broken.includes(`${output}/${name}`));
    if (good === undefined) continue;
    return (await readShardFooter(join(folder, output, good), { pages: false })).provider;
  }
  return undefined;
}

/**
 * Makes a broken artifact the partial work of the run that made it: its broken files are removed, then one
 * rename takes it out of sight. The next run of the stage keeps the files that are left and makes
 * the others anew. A kill between two steps leaves an artifact that is still refused, or the partial one.
 */
export async function turnIntoPartial(
  store: string,
  folder: string,
  findings: Verification['findings'],
  order: Order,
): Promise<void> {
  for (const file of brokenFiles(findings)) {
    await rm(join(folder, file), { recursive: true, force: true });
  }
  const partial = partialFolder(store, order);
  await rm(partial, { recursive: true, force: true });
  makeFolder(join(partial, '..'));
  await rename(folder, partial);
  await syncPath(join(folder, '..'));
  await syncPath(join(partial, '..'));
}

/** The manifest is written anew in any case, and a folder that cannot be opened goes as a whole. */
function brokenFiles(findings: Verification['findings']): string[] {
  const files = new Set(findings.map(({ file }) => file));
  files.delete('manifest.json');
  return [...files];
}
