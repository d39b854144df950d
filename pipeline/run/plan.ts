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
import { type Difference, differencesBetween } from '#cache/differences.ts';
import type { FileDigests } from '#cache/file-digests.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import type { Manifest } from '#cache/manifest.ts';
import { requireInputFile } from '#pipeline/config/input-files.ts';
import { filesOf, type StageInstance } from '#pipeline/wiring/graph.ts';
import type { Maker } from '#stages/stage.ts';
import { pinnedArtifact } from './pinned.ts';

/** One part of a fingerprint that differs from the newest artifact, old -> new. */
export interface Change {
  /** `content`: old and new are the beginnings of SHA-256 digests. */
  readonly kind: 'setting' | 'content';
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
  /** The artifact of each input. */
  readonly makers: Readonly<Record<string, Maker>>;
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
  if (instance.pinned !== undefined) {
    const artifact = await pinnedArtifact(store, instance, instance.pinned);
    return { state: 'fresh', artifact };
  }
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

export function describeChange({ kind, what, old, new: now }: Change): string {
  return kind === 'content' ? `${what} changed (${old} -> ${now})` : `${what}: ${old} -> ${now}`;
}

/** What would be made: the recipe, and the input artifacts by digest and by folder. */
export async function orderOf(
  instance: StageInstance,
  upstream: FreshArtifacts,
  digests: FileDigests,
): Promise<Order> {
  const inputs: Record<string, string> = {};
  const inputFolders: Record<string, string> = {};
  const makers: Record<string, Maker> = {};
  for (const [name, ref] of Object.entries(instance.inputs)) {
    const artifact = upstream.get(ref.instance);
    const output = artifact?.manifest.outputs[ref.output];
    if (artifact === undefined || output === undefined) {
      throw new Error(`${instance.name}: ${ref.instance} has no output ${ref.output}`);
    }
    inputs[name] = output.digest;
    inputFolders[name] = outputFolder(artifact.folder, ref.output);
    const { fingerprint, environment } = artifact.manifest;
    makers[name] = { instance: ref.instance, fingerprint, environment };
  }
  const recipe = await recipeOf(instance, digests);
  return {
    instance: instance.name,
    fingerprint: fingerprintOf({ recipe, inputs }),
    recipe,
    inputs,
    inputFolders,
    makers,
  };
}

/** What decides the bytes of an instance but its input artifacts: settings, files, formats. */
export async function recipeOf(instance: StageInstance, digests: FileDigests): Promise<Recipe> {
  const { stage } = instance;
  const files: Record<string, string[]> = {};
  for (const [name, paths] of Object.entries(filesOf(instance))) {
    files[name] = await Promise.all(
      paths.map(async (path) => {
        await requireInputFile(name, path);
        return digests.digest(path);
      }),
    );
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
  const before = { ...old.recipe, inputs: old.inputs };
  return differencesBetween(before, { ...order.recipe, inputs: order.inputs })
    .sort((a, b) => weightOf(a.path) - weightOf(b.path))
    .map((difference) => toChange(difference, instance));
}

function toChange(difference: Difference, instance: StageInstance): Change {
  const { path, old, new: now } = difference;
  const [group = '', name = ''] = path.split(/\.(.*)/s);
  if (group === 'files') return changedFiles(difference, filesOf(instance)[name] ?? []);
  if (group === 'inputs') {
    const from = instance.inputs[name]?.instance ?? '';
    const what = from === '' ? name : `${name} (${from})`;
    return { kind: 'content', what, old: shortDigest(old), new: shortDigest(now) };
  }
  const what = path.replace(/^config\./, '');
  return { kind: 'setting', what, old: old ?? 'unset', new: now ?? 'unset' };
}

/** Names of the files of one list whose content is new; all of it where files only moved or went. */
function changedFiles({ path, old, new: now }: Difference, paths: readonly string[]): Change {
  const [before, after] = [digestsIn(old), digestsIn(now)];
  const changed = paths.filter((_, index) => !before.includes(after[index] ?? ''));
  const named = changed.length > 0 ? changed : paths;
  const gone = before.filter((digest) => !after.includes(digest));
  const come = after.filter((digest) => !before.includes(digest));
  return {
    kind: 'content',
    what: named.map((file) => basename(file)).join(', ') || path,
    old: gone.map(shortDigest).join(', ') || 'none',
    new: come.map(shortDigest).join(', ') || 'none',
  };
}

function digestsIn(json: string | undefined): string[] {
  return json === undefined ? [] : (JSON.parse(json) as string[]);
}

/** The beginning of a digest, written as JSON or not. */
function shortDigest(digest = 'none'): string {
  return digest.replaceAll('"', '').slice(0, 8);
}

function weightOf(path: string): number {
  return ['version', 'config', 'formats', 'files', 'inputs'].findIndex((group) =>
    path.startsWith(group),
  );
}
