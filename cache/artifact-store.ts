import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncPath, TEMPORARY_MARK, writeFileAtomic } from './atomic-file.ts';
import { digestFile, listFiles } from './digest.ts';
import { Failure } from './failure.ts';
import {
  CorruptArtifactError,
  MANIFEST_VERSION,
  type Manifest,
  type ManifestFile,
  outputDigest,
  readManifest,
} from './manifest.ts';

/** A sealed artifact: complete, checked and never changed again. */
export interface Artifact {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What a stage run is known by before and after it has run. */
export interface ArtifactKey {
  readonly instance: string;
  readonly fingerprint: string;
}

export class InvalidNameError extends Failure {
  constructor(name: string) {
    super(
      'usage',
      'E_NAME',
      `${JSON.stringify(name)} is no name for a stage, variant or run`,
      'use letters, digits, "-", "_" and ".", at most 72 of them',
    );
  }
}

/** Folder of a sealed artifact inside a store. */
export function artifactFolder(store: string, key: ArtifactKey): string {
  return join(store, 'artifacts', instanceFolder(key.instance), key.fingerprint.slice(0, 16));
}

/** Folder where an artifact is being made; it carries the fingerprint, so a rerun finds its own parts. */
export function partialFolder(store: string, key: ArtifactKey): string {
  return join(store, 'partial', `${instanceFolder(key.instance)}-${key.fingerprint.slice(0, 16)}`);
}

/** `train-student:distilled` as the name of a folder. */
export function instanceFolder(instance: string): string {
  const parts = instance.split(':');
  if (parts.length > 2 || !parts.every((part) => INSTANCE_PART.test(part))) {
    throw new InvalidNameError(instance);
  }
  return parts.join('@');
}

/** The sealed artifact of a key, or undefined. A folder whose files are gone or short is an error. */
export async function findArtifact(store: string, key: ArtifactKey): Promise<Artifact | undefined> {
  const folder = artifactFolder(store, key);
  const manifest = await readManifest(folder);
  if (manifest === undefined || manifest.fingerprint !== key.fingerprint) return undefined;
  await checkSizes(folder, manifest);
  return { folder, manifest };
}

/** All sealed artifacts of an instance, newest first. Unreadable ones are left out: they serve nobody. */
export async function listArtifacts(store: string, instance: string): Promise<Artifact[]> {
  const parent = join(store, 'artifacts', instanceFolder(instance));
  const names = existsSync(parent) ? await readdir(parent) : [];
  const found = await Promise.all(
    names.map(async (name): Promise<Artifact | undefined> => {
      const folder = join(parent, name);
      const manifest = await readManifest(folder).catch(() => undefined);
      return manifest && { folder, manifest };
    }),
  );
  return found
    .filter((artifact) => artifact !== undefined)
    .sort((a, b) => (a.manifest.finishedAt < b.manifest.finishedAt ? 1 : -1));
}

/** Folder of one output of an artifact (or of a partial one). */
export function outputFolder(artifact: string, output: string): string {
  return join(artifact, output);
}

/** Creates the folder of an artifact in the making, or finds what an interrupted run left of it. */
export async function openPartial(
  store: string,
  key: ArtifactKey,
  outputs: readonly string[],
): Promise<string> {
  const folder = partialFolder(store, key);
  for (const output of outputs) makeFolder(outputFolder(folder, output));
  return folder;
}

/** What is known of an artifact besides its files. */
export type Description = Omit<Manifest, 'schemaVersion' | 'outputs'>;

/**
 * Makes a finished partial folder an artifact: removes unfinished files, hashes and fsyncs the rest,
 * writes the manifest last and publishes by one rename. A kill at any moment leaves the partial
 * folder or the whole artifact, never anything between.
 */
export async function sealArtifact(
  store: string,
  description: Description,
  outputs: Readonly<Record<string, { readonly volatile?: readonly string[] }>>,
): Promise<Artifact> {
  const partial = partialFolder(store, description);
  await removeTemporaries(partial);
  const described: Record<string, { digest: string; files: ManifestFile[] }> = {};
  for (const [output, format] of Object.entries(outputs)) {
    described[output] = await describeOutput(outputFolder(partial, output), format.volatile ?? []);
  }
  const manifest: Manifest = {
    schemaVersion: MANIFEST_VERSION,
    ...description,
    outputs: described,
  };
  await writeFileAtomic(join(partial, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`);
  const folder = artifactFolder(store, description);
  makeFolder(join(folder, '..'));
  const replaced = `${partial}.replaced`;
  await setAside(folder, replaced);
  await rename(partial, folder);
  await syncPath(join(folder, '..'));
  await syncPath(join(partial, '..'));
  await rm(replaced, { recursive: true, force: true });
  return { folder, manifest };
}

/** A kill while a manifest was being written leaves the beginning of one beside the outputs. */
async function removeTemporaries(folder: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.includes(TEMPORARY_MARK));
  for (const name of left) await rm(join(folder, name), { force: true });
}

/**
 * Takes the artifact that --force makes anew out of sight. Removing it in place would take many steps,
 * and a kill between two of them would leave something that looks whole and is not.
 */
async function setAside(folder: string, replaced: string): Promise<void> {
  await rm(replaced, { recursive: true, force: true });
  if (existsSync(folder)) await rename(folder, replaced);
}

async function describeOutput(folder: string, volatilePaths: readonly string[]) {
  const files: ManifestFile[] = [];
  for (const path of await listFiles(folder)) {
    const absolute = join(folder, path);
    if (path.includes(TEMPORARY_MARK)) {
      await rm(absolute, { force: true });
      continue;
    }
    await syncPath(absolute);
    const isVolatile = volatilePaths.some((prefix) => path.startsWith(prefix));
    files.push({
      path,
      bytes: (await stat(absolute)).size,
      sha256: await digestFile(absolute),
      ...(isVolatile ? { volatile: true as const } : {}),
    });
  }
  await syncPath(folder);
  return { digest: outputDigest(files), files };
}

async function checkSizes(folder: string, manifest: Manifest): Promise<void> {
  for (const [output, { files }] of Object.entries(manifest.outputs)) {
    for (const { path, bytes } of files) {
      const absolute = join(outputFolder(folder, output), path);
      const size = await stat(absolute).then(
        (found) => found.size,
        () => undefined,
      );
      if (size === bytes) continue;
      const problem = size === undefined ? 'is gone' : `has ${size} bytes, not ${bytes}`;
      throw new CorruptArtifactError(absolute, problem, folder);
    }
  }
}

/** Room for a name of 64 letters that people give, and for what is said of its views: `NAME.views`. */
const INSTANCE_PART = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,71}$/;
