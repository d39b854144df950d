import { join, resolve } from 'node:path';
import type { Artifact } from '#cache/artifact-store.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import { type LoadedConfig, loadConfig } from './config/config.ts';
import { checkGate } from './gate/gate.ts';
import { type Freshness, freshnessOf } from './run/plan.ts';
import type { StageInstance } from './wiring/graph.ts';
import { graphOf } from './wiring/wiring.ts';

/** A configuration with its graph and its store: what every command starts from. */
export interface Project {
  readonly loaded: LoadedConfig;
  readonly graph: readonly StageInstance[];
  readonly store: string;
}

/** Options that all commands share. */
export interface ProjectOptions {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly store?: string;
}

/** Loads decant.yaml and lays out its graph; nothing is run or written. */
export function openProject(options: ProjectOptions): Project {
  const loaded = loadConfig({
    file: options.config ?? process.env['DECANT_CONFIG'] ?? 'decant.yaml',
    environment: process.env,
    set: options.set ?? [],
  });
  return projectOf(loaded, options.store);
}

/** The graph and the store of a configuration; the store lies beside it where none is named. */
export function projectOf(loaded: LoadedConfig, named: string | undefined): Project {
  checkGate(loaded);
  const store = named === undefined ? join(loaded.folder, '.decant') : resolve(named);
  return { loaded, graph: graphOf(loaded, tombstonesPath(store)), store };
}

/** Where a store keeps its tombstones: they are part of what prepare makes, as soon as there are any. */
export function tombstonesPath(store: string): string {
  return join(store, 'tombstones.json');
}

/** Freshness of every instance, in the order of the graph. Reads only; works beside a running writer. */
export async function statusOf(
  { graph, store }: Project,
  options: { readonly rehash: boolean },
): Promise<Map<string, Freshness>> {
  const digests = await openFileDigests(join(store, 'digests.json'), options);
  const fresh = new Map<string, Artifact>();
  const status = new Map<string, Freshness>();
  for (const instance of graph) {
    const freshness = await freshnessOf(instance, fresh, store, digests);
    if (freshness.state === 'fresh') fresh.set(instance.name, freshness.artifact);
    status.set(instance.name, freshness);
  }
  return status;
}

/** Artifacts that are fresh for this configuration, by instance. */
export async function freshArtifacts(project: Project): Promise<Map<string, Artifact>> {
  const status = await statusOf(project, { rehash: false });
  const fresh = [...status].flatMap(([name, freshness]) =>
    freshness.state === 'fresh' ? [[name, freshness.artifact] as const] : [],
  );
  return new Map(fresh);
}
