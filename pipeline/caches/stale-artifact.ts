import { type Artifact, findArtifact, listArtifacts } from '#cache/artifact-store.ts';
import { type Freshness, reasonOf } from '#pipeline/run/plan.ts';

/** What a stage made last although it would make something else now, and what to say about that. */
export interface StaleArtifact {
  readonly artifact: Artifact;
  readonly message: string;
}

/** For --allow-stale: the newest artifact of a stage that is not fresh; undefined where there is none. */
export async function staleArtifact(
  store: string,
  instance: string,
  freshness: Exclude<Freshness, { state: 'fresh' }>,
): Promise<StaleArtifact | undefined> {
  const [newest] = await listArtifacts(store, instance);
  const artifact = newest && (await findArtifact(store, newest.manifest));
  if (artifact === undefined) return undefined;
  const why = freshness.state === 'stale' ? reasonOf(freshness) : 'its inputs are stale';
  const made = artifact.manifest.finishedAt.slice(0, 16).replace('T', ' ');
  return { artifact, message: `is stale (${why}); what it made at ${made} is used as it is` };
}
