import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Artifact, artifactFolder, instanceFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import { type Manifest, readManifest } from '#cache/manifest.ts';
import type { SqlView } from '#datasets/sql.ts';
import { freshArtifacts, type Project } from '#pipeline/project.ts';
import { type FreshArtifacts, freshnessOf, type Order, orderOf } from '#pipeline/run/plan.ts';
import { cacheNames, MAIN_TEACHER, softLabelName } from '#pipeline/teachers/teachers.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
import { cacheViews } from './cache-views.ts';

/** There is no soft-label cache to look into, or none of that fingerprint. */
export class NoCacheError extends Failure {
  constructor(problem: string, fix = 'make it: npx decant run --to soft-label') {
    super('usage', 'E_NO_CACHE', problem, fix);
  }
}

/** A folder of the store that is, or was, a sealed soft-label cache. */
export interface CacheFolder {
  readonly teacher: string;
  readonly instance: string;
  readonly folder: string;
  /** First 16 hex digits of its fingerprint: the name of the folder. */
  readonly shortFingerprint: string;
  /** It is what the configuration asks for. */
  readonly isCurrent: boolean;
}

/** Which cache a person means. */
export interface CacheChoice {
  /** Its fingerprint or the beginning. Default: that of the current cache, else of the only one. */
  readonly fingerprint?: string | undefined;
  /** Default: the main one, or any where a fingerprint is given. */
  readonly teacher?: string | undefined;
}

/** The soft-label caches of all teachers of the configuration, or of one. Reads only, broken ones are listed too. */
export async function cacheFolders(project: Project, teacher?: string): Promise<CacheFolder[]> {
  const names = teacher === undefined ? cacheNames(project) : [teacher];
  return (await Promise.all(names.map((name) => cachesOfTeacher(project, name)))).flat();
}

/** The current one first. */
async function cachesOfTeacher(project: Project, teacher: string): Promise<CacheFolder[]> {
  const instance = softLabelInstance(project, teacher).name;
  const parent = join(project.store, 'artifacts', instanceFolder(instance));
  const names = existsSync(parent) ? (await readdir(parent)).sort() : [];
  const order = await currentOrder(project, teacher);
  const current = order && basename(artifactFolder(project.store, order));
  return names
    .map((name) => ({
      teacher,
      instance,
      folder: join(parent, name),
      shortFingerprint: name,
      isCurrent: name === current,
    }))
    .sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}

/** The cache that is meant. */
export async function findCacheFolder(
  project: Project,
  { fingerprint, teacher }: CacheChoice,
): Promise<CacheFolder> {
  const ofOne = teacher ?? (fingerprint === undefined ? MAIN_TEACHER : undefined);
  const folders = await cacheFolders(project, ofOne);
  const names = folders.map(({ shortFingerprint }) => shortFingerprint).join(', ');
  const matching = folders.filter(({ shortFingerprint, isCurrent }) =>
    fingerprint === undefined ? isCurrent : matches(shortFingerprint, fingerprint),
  );
  const [found, another] = fingerprint === undefined && matching.length === 0 ? folders : matching;
  if (folders.length === 0) throw new NoCacheError(`${project.store} has no soft-label cache yet`);
  if (found === undefined) {
    throw new NoCacheError(`no cache of fingerprint "${fingerprint}"`, `choose one of ${names}`);
  }
  if (another !== undefined) {
    const problem =
      fingerprint === undefined
        ? 'no cache is what the configuration asks for, and there are several'
        : `several caches begin with "${fingerprint}"`;
    throw new NoCacheError(problem, `name one of ${names}`);
  }
  return found;
}

/** What the configuration asks a teacher for; undefined while the corpus is not prepared. */
export async function currentOrder(project: Project, teacher: string): Promise<Order | undefined> {
  const { store } = project;
  const digests = await openFileDigests(join(store, 'digests.json'));
  const fresh: FreshArtifacts = new Map();
  const softLabel = softLabelInstance(project, teacher);
  const needed = new Set(Object.values(softLabel.inputs).map(({ instance }) => instance));
  for (const instance of project.graph.filter(({ name }) => needed.has(name))) {
    const freshness = await freshnessOf(instance, fresh, store, digests);
    if (freshness.state !== 'fresh') return undefined;
    fresh.set(instance.name, freshness.artifact);
  }
  return orderOf(softLabel, fresh, digests);
}

/** A prepared corpus, and what would make it. */
interface PreparedCorpus {
  readonly instance: string;
  readonly folder: string;
  readonly order: Order;
}

/** The corpus that a teacher of the configuration reads; undefined where it is not made. */
export async function preparedCorpus(
  project: Project,
  teacher = MAIN_TEACHER,
): Promise<PreparedCorpus | undefined> {
  const digests = await openFileDigests(join(project.store, 'digests.json'));
  const instance = corpusInstance(project, teacher);
  const order = await orderOf(instanceNamed(project, instance), new Map(), digests);
  const folder = artifactFolder(project.store, order);
  return existsSync(folder) ? { instance, folder, order } : undefined;
}

/** Name of the instance that prepares what a teacher reads. */
export function corpusInstance(project: Project, teacher: string): string {
  return softLabelInstance(project, teacher).inputs['classes']?.instance ?? '';
}

/** The instance of stage one that asks this teacher; a name that the configuration lacks is refused. */
export function softLabelInstance(project: Project, teacher: string): StageInstance {
  const known = cacheNames(project);
  if (known.includes(teacher)) return instanceNamed(project, softLabelName(teacher));
  const problem = `decant.yaml has no teacher "${teacher}"`;
  throw new NoCacheError(problem, `choose one of ${known.join(', ')}`);
}

function instanceNamed({ graph }: Project, name: string): StageInstance {
  const instance = graph.find((one) => one.name === name);
  if (instance === undefined) throw new Error(`the graph has no ${name}`);
  return instance;
}

/** Views over what is fresh for the configuration; `soft_labels` is what this teacher says. */
export async function viewsOf(project: Project, teacher = MAIN_TEACHER): Promise<SqlView[]> {
  const { name } = softLabelInstance(project, teacher);
  const views = await cacheViews(await freshArtifacts(project), name);
  if (views.length > 0) return views;
  throw new NoCacheError('the store has no fresh cache', 'make it: npx decant run');
}

/** As `viewsOf`, where the soft labels must be among them. */
export async function softLabelViews(project: Project, teacher?: string): Promise<SqlView[]> {
  const views = await viewsOf(project, teacher);
  if (views.some(({ name }) => name === 'soft_labels')) return views;
  throw new NoCacheError('the soft labels are not made yet, or stale');
}

/** The manifest of a cache; one that is gone or broken is a Failure. */
export async function manifestOf({ folder }: CacheFolder): Promise<Manifest> {
  const manifest = await readManifest(folder);
  if (manifest !== undefined) return manifest;
  throw new NoCacheError(
    `${folder} has no manifest.json`,
    'make it again: npx decant cache verify --repair',
  );
}

/** Folder of each input that a cache was made from, found by content, whatever is fresh now. */
export async function sourcesOf(
  artifacts: readonly Artifact[],
  manifest: Manifest,
): Promise<Record<string, string>> {
  const found = Object.entries(manifest.inputs).map(([name, digest]) => {
    const [source] = artifacts.flatMap((one) =>
      // By content alone: views go into a cache as its train rows.
      Object.entries(one.manifest.outputs)
        .filter(([, output]) => output.digest === digest)
        .map(([output]) => join(one.folder, output)),
    );
    if (source === undefined) {
      throw new NoCacheError(
        `the store no longer holds ${name}, from which cache ${manifest.fingerprint.slice(0, 16)} was made`,
        'choose the cache that is fresh: npx decant cache ls',
      );
    }
    return [name, source] as const;
  });
  return Object.fromEntries(found);
}

function matches(shortFingerprint: string, wanted: string): boolean {
  return wanted.length > 0 && shortFingerprint.startsWith(wanted.slice(0, shortFingerprint.length));
}
