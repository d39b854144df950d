import { type Artifact, findArtifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { openSoftLabels, type SoftLabelMeta } from '#datasets/soft-labels/soft-labels.ts';
import type { Project } from '#pipeline/project.ts';
import { type CacheFolder, manifestOf } from './soft-label-caches.ts';

/** What a soft-label cache holds, from its manifest and its footers. */
export interface CacheFacts {
  readonly artifact: Artifact;
  readonly isCurrent: boolean;
  /** What every footer says. */
  readonly meta: SoftLabelMeta;
  readonly splits: readonly SplitFacts[];
  readonly rows: number;
  /** Of the Parquet files. */
  readonly bytes: number;
}

interface SplitFacts {
  readonly split: Split;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
}

/** A cache that cannot be opened is told with its reason, so that the others can still be listed. */
export type CacheEntry =
  | { readonly folder: CacheFolder; readonly facts: CacheFacts }
  | { readonly folder: CacheFolder; readonly problem: Failure };

/** The facts of a cache, or why it cannot be opened. */
export async function cacheEntry(project: Project, folder: CacheFolder): Promise<CacheEntry> {
  try {
    return { folder, facts: await cacheFacts(project, folder) };
  } catch (error) {
    if (error instanceof Failure) return { folder, problem: error };
    throw error;
  }
}

/** Reads manifest and footers, no rows. */
export async function cacheFacts(project: Project, cache: CacheFolder): Promise<CacheFacts> {
  const { fingerprint } = await manifestOf(cache);
  const artifact = await findArtifact(project.store, { instance: cache.instance, fingerprint });
  if (artifact === undefined) throw new Error(`${cache.folder} is not where it belongs`);
  const splits: SplitFacts[] = [];
  let meta: SoftLabelMeta | undefined;
  for (const split of SPLITS) {
    const reader = await openSoftLabels(outputFolder(artifact.folder, `rows/${split}`));
    meta ??= reader.meta;
    splits.push({ split, rows: reader.rowCount, ...filesOf(artifact, `rows/${split}`) });
    await reader.close();
  }
  if (meta === undefined) throw new RangeError('no split');
  const sum = (key: 'rows' | 'bytes') => splits.reduce((total, one) => total + one[key], 0);
  const { isCurrent } = cache;
  return { artifact, isCurrent, meta, splits, rows: sum('rows'), bytes: sum('bytes') };
}

/** `top 10` or `dense`: what is kept of each row. */
export function describeMode(meta: SoftLabelMeta): string {
  return meta.perWindow ? `${keptOf(meta)}, a row a window` : keptOf(meta);
}

function keptOf({ mode, topK, samples, precision }: SoftLabelMeta): string {
  if (mode === 'dense') return mode;
  if (mode === 'sampled') return `${samples} draws`;
  return precision === 'float32' ? `top ${topK}` : `top ${topK}, ${precision}`;
}

function filesOf({ manifest }: Artifact, output: string) {
  const files = manifest.outputs[output]?.files ?? [];
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}
