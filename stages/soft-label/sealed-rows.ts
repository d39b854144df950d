import { SPLITS } from '#datasets/example.ts';
import type { SoftLabelRows } from '#datasets/soft-labels.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels.ts';
import type { EarlierArtifact } from '#stages/stage.ts';
import { type Identity, identityIn, type Provenance } from './provenance.ts';
import { recipeChanges } from './recipe-changes.ts';

/** A row of a sealed artifact. */
export interface SealedPlace {
  readonly reader: SoftLabelReader;
  readonly shard: number;
  readonly row: number;
}

/** A sealed artifact whose rows may not be taken over, and why. */
export interface OtherArtifact {
  readonly artifact: EarlierArtifact;
  readonly readers: readonly SoftLabelReader[];
  readonly changes: readonly string[];
}

/** What earlier runs already know of the corpus. */
export interface SealedRows {
  readonly places: ReadonlyMap<string, SealedPlace>;
  /** Ids of the newest artifact of this recipe; empty when there is none. */
  readonly newestIds: ReadonlySet<string>;
  readonly others: readonly OtherArtifact[];
  read(place: SealedPlace): Promise<SoftLabelRows>;
  close(): Promise<void>;
}

/**
 * Opens the sealed artifacts of this stage. Rows are taken over where nothing that decides their
 * numbers has changed: the recipe, and also tokenizer and class list, which come as inputs.
 */
export async function openSealedRows(
  earlier: readonly EarlierArtifact[],
  identity: Identity,
  recipe: unknown,
): Promise<SealedRows> {
  const opened: SoftLabelReader[] = [];
  const close = async () => {
    for (const reader of opened) await reader.close();
  };
  try {
    const places = new Map<string, SealedPlace>();
    const others: OtherArtifact[] = [];
    let newestIds: ReadonlySet<string> | undefined;
    for (const artifact of earlier) {
      const readers = await openReaders(artifact);
      opened.push(...readers);
      const changes = changesOf(artifact, readers, identity, recipe);
      if (changes.length > 0) others.push({ artifact, readers, changes });
      else {
        const ids = await indexRows(readers, places);
        newestIds ??= ids;
      }
    }
    return { places, newestIds: newestIds ?? new Set(), others, read: cachedReads(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** All example ids of an artifact. */
export async function idsOf(readers: readonly SoftLabelReader[]): Promise<string[]> {
  const ids: string[] = [];
  for (const reader of readers) {
    for await (const rows of reader.rows()) ids.push(...rows.exampleIds);
  }
  return ids;
}

/** Where the rows at these places were computed. */
export function provenanceOf(places: Iterable<SealedPlace>): Provenance[] {
  const readers = new Set([...places].map((place) => place.reader));
  return [...readers].map((reader) => reader.meta);
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
  identity: Identity,
  recipe: unknown,
): string[] {
  const recipes = artifact.sameRecipe ? [] : recipeChanges(artifact.recipe, recipe);
  if (recipes.length > 0) return recipes;
  const identities = readers.map(({ meta }) =>
    recipeChanges(comparable(identityIn(meta)), comparable(identity)),
  );
  const inputs = identities.find((changes) => changes.length > 0) ?? [];
  if (inputs.length > 0 || artifact.sameRecipe) return inputs;
  return ['recipe, in no field that is shown'];
}

/** The recipe has its own comparison, and an artifact's fingerprint follows from it. */
function comparable(identity: Identity): object {
  const { fingerprint: _fingerprint, ...rest } = identity;
  return rest;
}

async function indexRows(
  readers: readonly SoftLabelReader[],
  places: Map<string, SealedPlace>,
): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const reader of readers) {
    for (const shard of reader.shards.keys()) {
      const { exampleIds } = await reader.readShard(shard);
      exampleIds.forEach((exampleId, row) => {
        ids.add(exampleId);
        if (!places.has(exampleId)) places.set(exampleId, { reader, shard, row });
      });
    }
  }
  return ids;
}

/** Rows are mostly asked for in the order in which they lie, so a few open shards are enough. */
function cachedReads(): SealedRows['read'] {
  const shards = new Map<string, Promise<SoftLabelRows>>();
  return ({ reader, shard }) => {
    const key = reader.shards[shard] ?? '';
    const found = shards.get(key) ?? reader.readShard(shard);
    shards.delete(key);
    shards.set(key, found);
    const [oldest] = shards.keys();
    if (shards.size > OPEN_SHARDS && oldest !== undefined) shards.delete(oldest);
    return found;
  };
}

const OPEN_SHARDS = 4;
