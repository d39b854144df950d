import { exampleStarts } from '#datasets/example-blocks.ts';
import { readAhead } from '#datasets/read-ahead.ts';
import { everyClass, layoutOfMix, type MixSpace, mixTargets } from './mix-targets.ts';
import type { TargetSource } from './target-source.ts';

/** One target an example, of a source whose rows are windows: the mean of their probabilities. */
export async function targetsOfWindows(
  windows: TargetSource,
  space: MixSpace,
): Promise<TargetSource> {
  const shards: Shard[] = [];
  const all = readAhead(Array(windows.shardCount).keys(), (shard) => windows.readIds(shard));
  for await (const ids of all) shards.push(shardOf(ids.map((id) => id ?? '')));
  const most = shards.reduce((width, shard) => Math.max(width, shard.mostWindows), 1);
  const layout = layoutOfMix(
    Array.from({ length: most }, () => windows.layout),
    space,
  );
  return {
    layout,
    teachers: windows.teachers,
    rowCount: shards.reduce((sum, { ids }) => sum + ids.length, 0),
    shardCount: windows.shardCount,
    readIds: (shard) => Promise.resolve(shards[shard]?.ids ?? []),
    readPositions: () => Promise.resolve(undefined),
    readTargets: async (shard) => {
      const targetOf = await windows.readTargets(shard);
      const { starts } = shards[shard] ?? NO_SHARD;
      return (row) => {
        const [from = 0, end = 0] = starts.slice(row, row + 2);
        const parts = Array.from({ length: end - from }, (_, index) => ({
          target: targetOf(from + index),
          weight: 1,
        }));
        const mixed = mixTargets(parts, space);
        return layout.type === 'dense' ? everyClass(mixed, space) : mixed;
      };
    },
  };
}

/** The examples of a shard and where the windows of each begin. */
interface Shard {
  readonly ids: readonly string[];
  readonly starts: readonly number[];
  readonly mostWindows: number;
}

function shardOf(windowIds: readonly string[]): Shard {
  const starts = exampleStarts(windowIds);
  const counts = starts.slice(1).map((end, index) => end - (starts[index] ?? 0));
  return {
    ids: starts.slice(0, -1).map((start) => windowIds[start] ?? ''),
    starts,
    mostWindows: counts.reduce((most, count) => Math.max(most, count), 0),
  };
}

const NO_SHARD: Shard = { ids: [], starts: [], mostWindows: 0 };
