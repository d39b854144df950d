import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Artifact, artifactFolder } from '#cache/artifact-store.ts';
import { makeFolder } from '#cache/atomic-file.ts';
import type { RunOptions } from '#pipeline/run/run.ts';
import { selectStages } from '#pipeline/run/selection.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';

/** A store for one command. It knows the digests that the real one remembers: a large corpus is not read again. */
export async function withScratchStore<T>(
  store: string,
  work: (scratch: string) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), 'decant-'));
  try {
    const digests = join(store, 'digests.json');
    if (existsSync(digests)) await copyFile(digests, join(scratch, 'digests.json'));
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Lets a scratch store use a sealed artifact of another store where it lies. */
export async function lendArtifact({ folder, manifest }: Artifact, scratch: string): Promise<void> {
  const link = artifactFolder(scratch, manifest);
  makeFolder(dirname(link));
  await symlink(folder, link, 'dir');
}

/** Options of a run of one stage in a scratch store. */
export function aside(
  graph: readonly StageInstance[],
  stage: string,
): Omit<RunOptions, 'store' | 'observers' | 'stop' | 'kill'> {
  return {
    graph,
    selection: selectStages(graph, { stages: [stage], force: [] }),
    recomputeTeacher: false,
    allowStale: false,
    rehash: false,
    waitLockMs: 0,
    accept: () => Promise.resolve(),
  };
}
