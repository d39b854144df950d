import type { Artifact } from '#cache/artifact-store.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { type Project, tombstonesPath } from '#pipeline/project.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { withScratchStore } from './scratch.ts';

/**
 * Hands over the project cut down to seconds, with a scratch store that is removed afterwards:
 * 200 rows of each split and a few steps, everything else as it is.
 */
export async function withSmokeProject<T>(
  project: Project,
  work: (smoke: Project) => Promise<T>,
): Promise<T> {
  return withScratchStore(project.store, (store) => {
    const loaded: LoadedConfig = { ...project.loaded, config: cutDown(project.loaded.config) };
    return work({ loaded, graph: graphOf(loaded, tombstonesPath(project.store)), store });
  });
}

/** What a smoke run that went well says. */
export function describeSmoke(artifacts: ReadonlyMap<string, Artifact>): string {
  const names = [...artifacts.keys()].join(', ');
  return `\nall ${artifacts.size} stages work: ${names}\nnothing was kept; the figures of so few rows mean nothing\n`;
}

function cutDown(config: DecantConfig): DecantConfig {
  const variants = Object.entries(config.variants).map(([name, variant]) => [
    name,
    { ...variant, ...fewSteps(variant.steps ?? config.student.steps) },
  ]);
  const fewRows = (corpus: DecantConfig['corpus']) => {
    return { ...corpus, limit: Math.min(corpus.limit ?? ROWS, ROWS) };
  };
  const heads = Object.entries(config.heads ?? {}).map(([name, head]) => [
    name,
    { ...head, corpus: fewRows(head.corpus) },
  ]);
  return {
    ...config,
    corpus: fewRows(config.corpus),
    ...(heads.length > 0 && { heads: Object.fromEntries(heads) }),
    variants: Object.fromEntries(variants),
    pinned: undefined,
    gate: undefined,
  };
}

function fewSteps(steps = STEPS) {
  return { steps: Math.min(steps, STEPS), evaluateEvery: STEPS / 2, checkpointEvery: STEPS / 2 };
}

const ROWS = 200;
const STEPS = 20;
