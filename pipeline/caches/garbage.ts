import {
  type Artifact,
  type ArtifactKey,
  listArtifacts,
  partialFolder,
} from '#cache/artifact-store.ts';
import { reachable } from '#cache/reachable.ts';
import { type Occupant, type StoreContents, storeContents } from '#cache/store-contents.ts';
import { readRuns } from '#pipeline/history/run-record.ts';
import { readTags } from '#pipeline/history/run-tags.ts';
import { type Project, statusOf } from '#pipeline/project.ts';

export interface GarbageRules {
  /** What the newest runs made or used is kept. */
  readonly keepRuns: number;
  /** Nothing younger than this is removed. */
  readonly olderThanMs: number;
  readonly nowMs: number;
}

/** Something that may be removed, and why. */
export interface Garbage extends Occupant {
  readonly because: string;
}

export interface GarbageReport {
  readonly garbage: readonly Garbage[];
  /** Left in place; a person has to look. */
  readonly unreadable: readonly Occupant[];
  readonly keptBytes: number;
}

/**
 * What of a store nobody needs. Kept are: what is fresh for this configuration, the newest artifact of
 * each of its stages (the next run takes rows over from it), what the newest runs and the tagged
 * ones made or used, and all that these were made from. Reads only.
 */
export async function findGarbage(project: Project, rules: GarbageRules): Promise<GarbageReport> {
  const contents = await storeContents(project.store);
  const current = await currentNeeds(project);
  const ofRuns = await resultsOfRuns(project.store, rules.keepRuns);
  const roots = contents.artifacts.filter(
    ({ folder, manifest }) => current.has(folder) || ofRuns.has(keyOf(manifest)),
  );
  const needed = reachable(contents.artifacts, roots);
  const garbage = [
    ...contents.artifacts
      .filter((artifact) => !needed.has(artifact))
      .map((one) => ({ ...plain(one), because: 'no kept run, tag or fresh stage needs it' })),
    ...contents.partials
      .filter(({ path }) => !current.has(path))
      .map((one) => ({ ...one, because: 'left by an interrupted run' })),
    ...contents.temporaries.map((one) => ({ ...one, because: 'unfinished file' })),
  ].filter(({ changedAtMs }) => rules.nowMs - changedAtMs >= rules.olderThanMs);
  return {
    garbage,
    unreadable: contents.unreadable,
    keptBytes: bytesOf(everything(contents)) - bytesOf(garbage),
  };
}

/** Folders that the next run of this configuration would use or resume. */
async function currentNeeds(project: Project): Promise<Set<string>> {
  const status = await statusOf(project, { rehash: false });
  const needed = new Set<string>();
  for (const [instance, freshness] of status) {
    const [newest] = await listArtifacts(project.store, instance);
    if (newest !== undefined) needed.add(newest.folder);
    if (freshness.state === 'fresh') needed.add(freshness.artifact.folder);
    if (freshness.state === 'stale') needed.add(partialFolder(project.store, freshness.order));
  }
  return needed;
}

async function resultsOfRuns(store: string, keepRuns: number): Promise<Set<string>> {
  const runs = await readRuns(store);
  const tagged = new Set((await readTags(store)).values());
  // Failed and empty runs use up no place: five failures in a row must not cost the last good run.
  const done = runs.filter(({ record }) => record?.status === 'done').slice(0, keepRuns);
  const kept = [...done, ...runs.filter(({ runId }) => tagged.has(runId))];
  const results = kept.flatMap(({ record }) => Object.values(record?.stages ?? {}));
  return new Set(results.flatMap(({ result }) => (result ? [keyOf(result)] : [])));
}

/** Two variants of equal settings share a fingerprint, so the name belongs to the key. */
function keyOf({ instance, fingerprint }: ArtifactKey): string {
  return `${instance} ${fingerprint}`;
}

function everything(contents: StoreContents): Occupant[] {
  const { artifacts, unreadable, partials, temporaries } = contents;
  return [...artifacts, ...unreadable, ...partials, ...temporaries];
}

/** Bytes of all of them together. */
export function bytesOf(occupants: readonly Occupant[]): number {
  return occupants.reduce((sum, { bytes }) => sum + bytes, 0);
}

function plain({ path, bytes, changedAtMs }: Artifact & Occupant): Occupant {
  return { path, bytes, changedAtMs };
}
