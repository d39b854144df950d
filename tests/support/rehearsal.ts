import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { Artifact } from '#cache/artifact-store.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import { loadConfig } from '#pipeline/config/config.ts';
import { rehearse } from '#pipeline/rehearsal/rehearse.ts';
import { type HostOutcome, startHost } from '#pipeline/run/host-process.ts';
import type { HostTask } from '#pipeline/run/host-protocol.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';

/** Rehearses a project with real hosts, whatever its size; says what was tried and how it ended. */
export async function rehearseIn(
  project: { path(...parts: string[]): string },
  prepared: Artifact,
  set: readonly string[] = [],
): Promise<string[]> {
  const store = project.path('.decant');
  const loaded = loadConfig({ file: project.path('decant.yaml'), environment: {}, set });
  const instances = graphOf(loaded);
  const softLabel = instances.find(({ name }) => name === 'soft-label');
  assert.ok(softLabel !== undefined);
  const said: string[] = [];
  const run = async (task: HostTask) => {
    const fd = openSync(project.path('decant.yaml'), 'r');
    const outcome: HostOutcome = await startHost(task, fd, () => undefined).outcome;
    if (outcome.type === 'failed') throw new Error(outcome.failure.message);
  };
  const digests = await openFileDigests(join(store, 'digests.json'));
  const scene = { store, instances, prepared, softLabel, digests, worthwhile: 0 };
  await rehearse(scene, run, (message) => said.push(message));
  return said;
}
