import { z } from 'zod';
import type { AnyStage, StageInstance } from '#pipeline/wiring/graph.ts';

/** A graph of stages that do nothing: `{ name: [names it reads from] }`. */
export function fakeGraph(edges: Readonly<Record<string, readonly string[]>>): StageInstance[] {
  return Object.entries(edges).map(([name, from]) => fakeInstance(name, from));
}

/** One instance with the single output `out`. */
export function fakeInstance(
  name: string,
  from: readonly string[] = [],
  rest: Partial<Pick<StageInstance, 'config' | 'files'>> & { speedKnobs?: readonly string[] } = {},
): StageInstance {
  const stage: AnyStage = {
    name: name.split(':')[0] ?? name,
    version: 1,
    configSchema: z.unknown(),
    speedKnobs: rest.speedKnobs ?? [],
    outputs: { out: { formatVersion: 1 } },
    // oxlint-disable-next-line require-yield
    async *run() {
      throw new Error('a fake stage does not run');
    },
  };
  const inputs = Object.fromEntries(from.map((one) => [one, { instance: one, output: 'out' }]));
  return { name, stage, config: rest.config ?? {}, files: rest.files ?? {}, inputs };
}
