import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import {
  type Artifact,
  type ArtifactKey,
  findArtifact,
  listArtifacts,
  outputFolder,
  partialFolder,
} from '#cache/artifact-store.ts';
import type { FileDigests } from '#cache/file-digests.ts';
import { canonicalJson, fingerprintOf } from '#cache/fingerprint.ts';
import type { Manifest } from '#cache/manifest.ts';
import type { StageInstance } from './graph.ts';

/** One part of a fingerprint that differs from the newest artifact, old -> new. */
export interface Change {
  readonly what: string;
  readonly old: string;
  readonly new: string;
}

/** All that decides the bytes of an artifact but its input artifacts. */
export type Recipe = Readonly<Record<string, unknown>>;

/** What a stale instance needs to be made. */
export interface Order extends ArtifactKey {
  readonly recipe: Recipe;
  /** Digest of each input artifact. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly inputFolders: Readonly<Record<string, string>>;
}

/** Whether an instance has to run, and why. */
export type Freshness =
  | { readonly state: 'fresh'; readonly artifact: Artifact }
  | {
      readonly state: 'stale';
      readonly order: Order;
      readonly changes: readonly Change[];
      /** An interrupted run left parts of it. */
      readonly isPartial: boolean;
    }
  /** Its inputs have to be made first: what they will be is not known yet. */
  | { readonly state: 'waiting'; readonly on: readonly string[] };

/** Artifacts that are known to be fresh, by instance. Filled in the order of the graph. */
export type FreshArtifacts = Map<string, Artifact>;

/** Decides whether `instance` is fresh, given the fresh artifacts of the instances before it. */
export async function freshnessOf(
  instance: StageInstance,
  upstream: FreshArtifacts,
  store: string,
  digests: FileDigests,
): Promise<Freshness> {
  const missing = Object.values(instance.inputs).filter((ref) => !upstream.has(ref.instance));
  if (missing.length > 0) {
    return { state: 'waiting', on: [...new Set(missing.map((ref) => ref.instance))] };
  }
  const order = await orderOf(instance, upstream, digests);
  const artifact = await findArtifact(store, order);
  if (artifact !== undefined) return { state: 'fresh', artifact };
  const [newest] = await listArtifacts(store, instance.name);
  return {
    state: 'stale',
    order,
    changes: newest === undefined ? [] : changesBetween(newest.manifest, order, instance),
    isPartial: existsSync(partialFolder(store, order)),
  };
}

/** Why a stale instance runs, in a few words. */
export function reasonOf(freshness: Extract<Freshness, { state: 'stale' }>): string {
  if (freshness.isPartial) return 'resumes an interrupted run';
  const [first, ...rest] = freshness.changes;
  if (first === undefined) return 'not made yet';
  const more = rest.length === 0 ? '' : ` and ${rest.length} more`;
  return `${describeChange(first)}${more}`;
}

export function describeChange(change: Change): string {
  return change.old === ''
    ? `${change.what} ${change.new}`
    : `${change.what}: ${change.old} -> ${change.new}`;
}

async function orderOf(
  instance: StageInstance,
  upstream: FreshArtifacts,
  digests: FileDigests,
): Promise<Order> {
  const inputs: Record<string, string> = {};
  const inputFolders: Record<string, string> = {};
  for (const [name, ref] of Object.entries(instance.inputs)) {
    const artifact = upstream.get(ref.instance);
    const output = artifact?.manifest.outputs[ref.output];
    if (artifact === undefined || output === undefined) {
      throw new Error(`${instance.name}: ${ref.instance} has no output ${ref.output}`);
    }
    inputs[name] = output.digest;
    inputFolders[name] = outputFolder(artifact.folder, ref.output);
  }
  const recipe = await recipeOf(instance, digests);
  return {
    instance: instance.name,
    fingerprint: fingerprintOf({ recipe, inputs }),
    recipe,
    inputs,
    inputFolders,
  };
}

async function recipeOf(instance: StageInstance, digests: FileDigests): Promise<Recipe> {
  const { stage } = instance;
  const files: Record<string, string[]> = {};
  for (const [name, paths] of Object.entries(instance.files)) {
    files[name] = await Promise.all(paths.map((path) => digests.digest(path)));
  }
  const config = Object.entries(instance.config).filter(([key]) => !stage.speedKnobs.includes(key));
  const formats = Object.entries(stage.outputs).map(([name, { formatVersion }]) => [
    name,
    formatVersion,
  ]);
  return {
    stage: stage.name,
    version: stage.version,
    config: Object.fromEntries(config),
    files,
    formats: Object.fromEntries(formats),
  };
}

/** What differs, cheapest to understand first: version and settings, then files, then input artifacts. */
function changesBetween(old: Manifest, order: Order, instance: StageInstance): Change[] {
  const before = leaves({ ...old.recipe, inputs: old.inputs });
  const after = leaves({ ...order.recipe, inputs: order.inputs });
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  const changed = paths.filter((path) => before.get(path) !== after.get(path));
  return changed
    .sort((a, b) => weightOf(a) - weightOf(b))
    .map((path) => toChange(path, before.get(path), after.get(path), instance));
}

function toChange(
  path: string,
  old: string | undefined,
  now: string | undefined,
  instance: StageInstance,
): Change {
  const [group, name = '', index] = path.split('.');
  if (group === 'files') {
    const file = instance.files[name]?.[Number(index ?? 0)];
    return { what: file === undefined ? name : basename(file), old: '', new: 'changed' };
  }
  if (group === 'inputs') {
    const name = path.slice('inputs.'.length);
    const from = instance.inputs[name]?.instance ?? '';
    return { what: from === '' ? name : `${name} (${from})`, old: '', new: 'changed' };
  }
  const what = path.replace(/^config\./, '');
  return { what, old: old ?? 'unset', new: now ?? 'unset' };
}

function weightOf(path: string): number {
  return ['version', 'config', 'formats', 'files', 'inputs'].findIndex((group) =>
    path.startsWith(group),
  );
}

/** Every leaf of a nested value as `a.b.0` -> canonical JSON. Arrays of settings count as one leaf. */
function leaves(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  if (
    typeof value === 'object' &&
    value !== null &&
    !(Array.isArray(value) && !path.startsWith('files'))
  ) {
    for (const [key, nested] of Object.entries(value)) {
      leaves(nested, path === '' ? key : `${path}.${key}`, found);
    }
  } else if (value !== undefined) found.set(path, canonicalJson(value));
  return found;
}
