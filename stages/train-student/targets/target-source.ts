import {
  metaAt,
  type SoftLabelReader,
  temperatureIndex,
} from '#datasets/soft-labels/soft-labels.ts';
import type { Hint } from '#stages/train-student/losses/hints.ts';
import { type SoftLayout, type SoftTarget, softTargetsOf, withHints } from './soft-targets.ts';
import { targetsOfWindows } from './window-targets.ts';

/** Soft targets at the temperature of the training, shard by shard, of one teacher or of several. */
export interface TargetSource {
  readonly layout: SoftLayout;
  /** Numbers of the teacher's features that come with a row; left out: none. */
  readonly hintWidth?: number;
  readonly teachers: number;
  readonly rowCount: number;
  readonly shardCount: number;
  /** Example ids of a shard, in its order; null where one of the teachers has no answer to the row. */
  readIds(shard: number): Promise<readonly (string | null)[]>;
  /** Of one teacher whose rows are answers of an example: their positions in it; undefined where a row is an example. */
  readPositions(shard: number): Promise<Int32Array | undefined>;
  /** Targets of the rows of a shard. */
  readTargets(shard: number): Promise<(row: number) => SoftTarget>;
}

/** The soft targets of one teacher, with its features for the hints. A temperature that its cache lacks is refused. */
export async function targetsOfCache(
  reader: SoftLabelReader,
  temperature: number,
  hints: readonly Hint[] = [],
): Promise<TargetSource> {
  const targets = targetsOfRows(reader, temperature, hints);
  if (!reader.meta.perWindow) return targets;
  return targetsOfWindows(targets, { classCount: reader.meta.classNames.length, temperature });
}

/** One target a row, as the cache has them. */
function targetsOfRows(
  reader: SoftLabelReader,
  temperature: number,
  hints: readonly Hint[],
): TargetSource {
  if (reader.meta.mode !== 'dense') temperatureIndex(reader.meta, temperature);
  const meta = metaAt(reader.meta, temperature);
  const { mode, topK, samples, classNames } = meta;
  const most = topK ?? samples ?? classNames.length;
  return {
    layout: { type: mode, width: Math.min(most, classNames.length) },
    hintWidth: hints.reduce((sum, { width }) => sum + width, 0),
    teachers: 1,
    rowCount: reader.rowCount,
    shardCount: reader.shards.length,
    readIds: (shard) => reader.readIds(shard),
    readPositions: async (shard) => (await reader.readNumbers(shard, temperature)).positions,
    readTargets: async (shard) => {
      const numbers = await reader.readNumbers(shard, temperature);
      const targets = softTargetsOf(numbers, meta, temperature);
      if (hints.length === 0) return targets;
      const { hidden = {} } = await reader.readShard(shard);
      return withHints(
        targets,
        hints.map(({ from, width }) => ({ values: hidden[from] ?? new Float32Array(), width })),
      );
    },
  };
}
