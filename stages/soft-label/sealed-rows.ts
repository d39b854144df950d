import { differencesBetween } from '#cache/differences.ts';
import { SPLITS } from '#datasets/example.ts';
import { lastFew } from '#datasets/last-few.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import type { EarlierArtifact } from '#stages/stage.ts';
import type { LabelColumns } from './label-columns.ts';
import { type Identity, identityIn, type Provenance } from './provenance.ts';
import { recipeChanges } from './recipe-changes.ts';
import { type SealedPlace, SealedPlaces } from './sealed-places.ts';
import { canServe, isDerived, servedLabels } from './served-labels.ts';
import type { Keep } from './settings.ts';

/** A sealed artifact whose rows may not be taken over, and why. */
export interface OtherArtifact {
  readonly artifact: EarlierArtifact;
  readonly readers: readonly SoftLabelReader[];
  readonly changes: readonly string[];
}

/** What earlier runs already know of the corpus. */
export interface SealedRows {
  readonly places: SealedPlaces;
  /** Files of the newest artifact that serves; empty when there is none. */
  readonly newest: readonly SoftLabelReader[];
  readonly others: readonly OtherArtifact[];
  /** The shard of an example, in the form that is asked for now. */
  read(place: SealedPlace): Promise<LabelColumns>;
  close(): Promise<void>;
}

/** What is asked for now. */
export interface Wanted {
  readonly identity: Identity;
  readonly keep: Keep;
  readonly recipe: unknown;
}

/**
 * Opens the sealed artifacts of this stage. Rows are taken over where nothing that decides the
 * teacher's numbers has changed (the recipe, and also tokenizer and class list, which come as inputs)
 * and where the artifact holds at least as much of them as is kept now.
 */
export async function openSealedRows(
  earlier: readonly EarlierArtifact[],
  wanted: Wanted,
): Promise<SealedRows> {
  const opened: SoftLabelReader[] = [];
  const close = async () => {
    for (const reader of opened) await reader.close();
  };
  try {
    const serving: SoftLabelReader[][] = [];
    const others: OtherArtifact[] = [];
    for (const artifact of earlier) {
      const readers = await openReaders(artifact);
      opened.push(...readers);
      const changes = changesOf(artifact, readers, wanted);
      if (changes.length > 0) others.push({ artifact, readers, changes });
      else serving.push(readers);
    }
    // Of several places of an example the first one counts.
    const places = new SealedPlaces();
    for (const reader of nearestFirst(serving, wanted.keep).flat()) {
      for (const shard of reader.shards.keys()) await places.add(reader, shard);
    }
    return { places, newest: serving[0] ?? [], others, read: cachedReads(wanted.keep), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where the rows of these files were computed; `derived` tells that we computed on from there. */
export function provenanceOf(readers: Iterable<SoftLabelReader>, keep: Keep): Provenance[] {
  return [...readers].map(({ meta }) => ({
    provider: meta.provider,
    runtime: isDerived(meta, keep) ? `${DERIVED}+${meta.runtime}` : meta.runtime,
  }));
}

async function openReaders(artifact: EarlierArtifact): Promise<SoftLabelReader[]> {
  const folders = SPLITS.flatMap((split) => artifact.outputs[`rows/${split}`] ?? []);
  const readers: SoftLabelReader[] = [];
  for (const folder of folders) readers.push(await openSoftLabels(folder));
  return readers;
}

function changesOf(
  artifact: EarlierArtifact,
  readers: readonly SoftLabelReader[],
  { identity, keep, recipe }: Wanted,
): string[] {
  const recipes = artifact.sameRecipe ? [] : recipeChanges(artifact.recipe, recipe);
  const decisive = differencesBetween(artifact.recipe, recipe).filter(
    ({ path }) => !WHAT_IS_KEPT.has(path),
  );
  const serves = readers.every(({ meta }) => canServe(meta, keep));
  if (!artifact.sameRecipe && (decisive.length > 0 || !serves)) return recipes;
  const identities = readers.map(({ meta }) =>
    recipeChanges(comparable(identityIn(meta)), comparable(identity)),
  );
  const inputs = identities.find((changes) => changes.length > 0) ?? [];
  if (inputs.length > 0 || artifact.sameRecipe || recipes.length > 0) return inputs;
  return ['recipe, in no field that is shown'];
}

/** What decides the teacher's numbers, but is no part of the recipe. */
function comparable({ teacherDigest, tokenizerDigest, classNames, maxLength }: Identity): object {
  return { teacherDigest, tokenizerDigest, classNames, maxLength };
}

/** Artifacts whose rows are copied stand before those that we compute on from, each the newest first. */
function nearestFirst(serving: readonly SoftLabelReader[][], keep: Keep): SoftLabelReader[][] {
  const distance = ([reader]: readonly SoftLabelReader[]) =>
    reader === undefined ? 0 : Number(isDerived(reader.meta, keep)) + Number(wasDerived(reader));
  return serving.toSorted((a, b) => distance(a) - distance(b));
}

function wasDerived({ meta }: SoftLabelReader): boolean {
  return meta.runtime.split('+').includes(DERIVED);
}

function cachedReads(keep: Keep): SealedRows['read'] {
  return lastFew(
    OPEN_SHARDS,
    async ({ reader, shard }: SealedPlace) =>
      servedLabels(await reader.readShard(shard), reader.meta, keep),
    ({ reader, shard }) => reader.shards[shard],
  );
}

/** Rows are mostly asked for in the order in which they lie, so a few open shards are enough. */
const OPEN_SHARDS = 4;

/** Stands beside the runtime's name in files with rows that were computed from a larger cache. */
const DERIVED = 'derived';

/** Settings that say what becomes of the teacher's numbers, not what they are. */
const WHAT_IS_KEPT: ReadonlySet<string> = new Set(
  ['keep', 'topK', 'samples', 'temperatures', 'precision', 'hidden', 'shardRows', 'codec'].map(
    (name) => `config.${name}`,
  ),
);
