import { copyFile, link, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Artifact,
  findArtifact,
  openPartial,
  outputFolder,
  partialFolder,
  sealArtifact,
} from './artifact-store.ts';
import { makeFolder } from './atomic-file.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Manifest } from './manifest.ts';

/** What a rewritten artifact is made from and how its files change. */
export interface Rewriting {
  /** Stand in its manifest in place of the old ones, so that it has a fingerprint of its own. */
  readonly inputs: Manifest['inputs'];
  /** Replaces files below the folder of the new artifact; each by a new file, never in place. */
  readonly rewrite: (folder: string) => Promise<void>;
}

/**
 * Publishes a changed form of a sealed artifact beside it; the old one stays for the caller to remove.
 * A kill leaves the old one or both, and doing it again finds what is there.
 */
export async function rewriteArtifact(
  store: string,
  { folder, manifest }: Artifact,
  { inputs, rewrite }: Rewriting,
): Promise<Artifact> {
  const { schemaVersion: _version, outputs, ...described } = manifest;
  const fingerprint = fingerprintOf({ recipe: manifest.recipe, inputs });
  const key = { instance: manifest.instance, fingerprint };
  const found = await findArtifact(store, key);
  if (found !== undefined) return found;
  const partial = partialFolder(store, key);
  await rm(partial, { recursive: true, force: true });
  await openPartial(store, key, Object.keys(outputs));
  for (const [output, { files }] of Object.entries(outputs)) {
    for (const { path } of files) {
      await linkFile(join(outputFolder(folder, output), path), join(partial, output, path));
    }
  }
  await rewrite(partial);
  return sealArtifact(store, { ...described, inputs, fingerprint }, volatilePaths(manifest));
}

/** Sealed files are never changed in place, so two artifacts may share one. Not every file system can. */
async function linkFile(from: string, to: string): Promise<void> {
  makeFolder(dirname(to));
  await link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw error;
    return copyFile(from, to);
  });
}

function volatilePaths({ outputs }: Manifest): Record<string, { volatile: string[] }> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { files }]) => [
      name,
      { volatile: files.flatMap(({ path, volatile }) => (volatile === true ? [path] : [])) },
    ]),
  );
}
