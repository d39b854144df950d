import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { SPLITS } from '#datasets/example.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import { type Identity, identityIn, isSameProvenance, type Provenance } from './provenance.ts';
import { recipeChanges } from './recipe-changes.ts';
import { contentOf, type Shard } from './shards.ts';

/** What an interrupted run left complete. */
export interface FinishedShards {
  readonly shards: ReadonlySet<Shard>;
  /** Where they were computed; undefined when there are none. */
  readonly provenance: Provenance | undefined;
}

/**
 * Keeps the shards that this very run would write again, and removes every other file: shards of
 * another recipe or other rows, and those whose folder cannot be read.
 */
export async function findFinishedShards(
  shards: readonly Shard[],
  identity: Identity,
): Promise<FinishedShards> {
  const kept = new Set<Shard>();
  let provenance: Provenance | undefined;
  for (const folder of new Set(shards.map(({ path }) => dirname(path)))) {
    const planned = shards.filter(({ path }) => dirname(path) === folder);
    const reader = await openIfReadable(folder);
    const isOurs =
      reader !== undefined &&
      isSameIdentity(reader, identity) &&
      isSameProvenance(provenance ?? reader.meta, reader.meta);
    const complete = isOurs ? await completeShards(reader, planned) : [];
    await reader?.close();
    if (complete.length > 0) provenance ??= reader?.meta;
    for (const shard of complete) kept.add(shard);
    await removeAllBut(folder, complete);
  }
  return { shards: kept, provenance };
}

/** Removes what was kept after all: a partial artifact never mixes providers. */
export async function discardShards(shards: Iterable<Shard>): Promise<void> {
  for (const shard of shards) await rm(shard.path, { force: true });
}

/** How many rows lie complete in the output folders of an interrupted run. */
export async function describeShards(outputs: Readonly<Record<string, string>>): Promise<string> {
  let rows = 0;
  for (const split of SPLITS) {
    const folder = outputs[`rows/${split}`];
    const reader = folder && existsSync(folder) ? await openIfReadable(folder) : undefined;
    rows += reader?.rowCount ?? 0;
    await reader?.close();
  }
  return `${rows.toLocaleString('en-US')} rows`;
}

async function openIfReadable(folder: string): Promise<SoftLabelReader | undefined> {
  if ((await partsIn(folder)).length === 0) return undefined;
  try {
    return await openSoftLabels(folder);
  } catch (error) {
    // Nothing is lost that anybody was promised: this folder was never published.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function isSameIdentity({ meta }: SoftLabelReader, identity: Identity): boolean {
  return recipeChanges(identityIn(meta), identity).length === 0;
}

async function completeShards(
  reader: SoftLabelReader,
  planned: readonly Shard[],
): Promise<Shard[]> {
  const complete: Shard[] = [];
  for (const [index, path] of reader.shards.entries()) {
    const shard = planned.find((candidate) => basename(candidate.path) === basename(path));
    if (shard === undefined) continue;
    // All of it: what cannot be read is not complete.
    const { exampleIds } = await reader.readShard(index);
    if (contentOf(exampleIds) === shard.content) complete.push(shard);
  }
  return complete;
}

async function removeAllBut(folder: string, complete: readonly Shard[]): Promise<void> {
  const names = new Set(complete.map((shard) => basename(shard.path)));
  for (const name of await partsIn(folder)) {
    if (!names.has(name)) await rm(join(folder, name), { force: true });
  }
}

/** Whatever lies there, unfinished files included. */
async function partsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('part-'));
}
