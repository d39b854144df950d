import type { Artifact } from './artifact-store.ts';

/**
 * The artifacts that `roots` were made from, directly or not, and the roots themselves. A manifest
 * knows its inputs by content only, so of several artifacts that hold the same output one is taken:
 * the one that gives most of the inputs that are still open, the newest among equals.
 */
export function reachable(all: readonly Artifact[], roots: readonly Artifact[]): Set<Artifact> {
  const found = new Set(roots);
  // A set grows while it is walked: what is added is visited too.
  for (const artifact of found) {
    for (const provider of providersOf(artifact, all)) found.add(provider);
  }
  return found;
}

function providersOf(artifact: Artifact, all: readonly Artifact[]): Artifact[] {
  const open = new Set(Object.values(artifact.manifest.inputs));
  const chosen: Artifact[] = [];
  const others = all.filter((one) => one !== artifact).sort(newestFirst);
  while (open.size > 0) {
    const given = others.map((one) => digestsOf(one).filter((digest) => open.has(digest)));
    const most = Math.max(0, ...given.map(({ length }) => length));
    const best = given.findIndex(({ length }) => length === most);
    const provider = others[best];
    if (most === 0 || provider === undefined) return chosen;
    chosen.push(provider);
    for (const digest of given[best] ?? []) open.delete(digest);
  }
  return chosen;
}

function digestsOf({ manifest }: Artifact): string[] {
  return [...new Set(Object.values(manifest.outputs).map(({ digest }) => digest))];
}

function newestFirst(a: Artifact, b: Artifact): number {
  return a.manifest.finishedAt < b.manifest.finishedAt ? 1 : -1;
}
