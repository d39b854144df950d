import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { digestFile } from '#cache/digest.ts';
import { type Manifest, outputDigest, readManifest } from '#cache/manifest.ts';
import {
  openSoftLabels,
  type SoftLabelRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import type { MiniProject } from './mini-project.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The only sealed soft-label cache of a project. */
export function cacheFolderOf(project: MiniProject, store = project.path('.decant')): string {
  const parent = join(store, 'artifacts', 'soft-label');
  const [name = '', ...others] = readdirSync(parent);
  if (others.length > 0) throw new Error(`several caches in ${parent}`);
  return join(parent, name);
}

/** A copy of the project's store that may be broken. */
export function copiedStore(project: MiniProject): string {
  const store = join(temporaryFolder('decant-store'), 'store');
  cpSync(project.path('.decant'), store, { recursive: true });
  return store;
}

/** Flips one bit of a file. */
export function flipBit(path: string, position: number, bit = 0): void {
  const bytes = readFileSync(path);
  bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
  writeFileSync(path, bytes);
}

/**
 * Changes rows of a shard such as `rows/train/part-00001.parquet` and seals the cache again, as a
 * faulty writer would have left it: all checksums fit.
 */
export async function forgeRows(
  cache: string,
  file: string,
  change: (rows: SoftLabelRows) => SoftLabelRows,
): Promise<void> {
  const path = join(cache, file);
  const reader = await openSoftLabels(dirname(path));
  const index = reader.shards.findIndex((shard) => basename(shard) === basename(file));
  const rows = await reader.readShard(index);
  await reader.close();
  await writeSoftLabelShard(path, change(rows), reader.meta);
  const manifest = await readManifest(cache);
  if (manifest === undefined) throw new Error(`${cache} has no manifest`);
  const sealed = await resealed(manifest, dirname(file), path);
  writeFileSync(join(cache, 'manifest.json'), JSON.stringify(sealed));
}

async function resealed(manifest: Manifest, output: string, path: string): Promise<Manifest> {
  const { size: bytes } = statSync(path);
  const sha256 = await digestFile(path);
  const files = (manifest.outputs[output]?.files ?? []).map((file) =>
    file.path === basename(path) ? { ...file, bytes, sha256 } : file,
  );
  const outputs = { ...manifest.outputs, [output]: { digest: outputDigest(files), files } };
  return { ...manifest, outputs };
}
