import { requireSameClasses } from '#datasets/class-list.ts';
import { readAhead } from '#datasets/read-ahead.ts';
import { metaAt, type SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import { topClasses } from '#datasets/soft-labels/top-classes.ts';
import { metaOfMeans, windowMeans } from '#datasets/window-means.ts';
import { hintsOf } from '#stages/train-student/losses/hints.ts';
import type { HintSetting } from '#stages/train-student/settings/losses.ts';
import { mixValues, ValueMixError } from '#stages/train-student/values/mix-values.ts';
import {
  byConfidence,
  everyClass,
  layoutOfMix,
  mixTargets,
  type WeightedTarget,
} from './mix-targets.ts';
import { type TargetSource, targetsOfCache } from './target-source.ts';

/** A teacher's cache of the train rows, and how much it counts. */
export interface TeacherCache {
  readonly reader: SoftLabelReader;
  readonly weight: number;
}

export interface MixOptions {
  readonly temperature: number;
  /** weights: as they are; confidence: each times the probability of the teacher's best class of the row. */
  readonly mix: 'weights' | 'confidence';
  /** Features of the first teacher that come with its targets. */
  readonly hints?: readonly HintSetting[] | undefined;
}

/** The soft targets that these caches give together; null where there is none. */
export async function targetSource(
  caches: readonly TeacherCache[],
  options: MixOptions,
): Promise<TargetSource | null> {
  const [first, ...others] = caches;
  if (first === undefined) return null;
  if (others.length === 0) {
    const hints = hintsOf(options.hints, first.reader);
    return targetsOfCache(first.reader, options.temperature, hints);
  }
  return mixedTargets(first, others, options);
}

/**
 * The soft targets of several teachers, mixed at reading time: the rows of the first cache in its order,
 * joined to the others by example id. A row that one of them lacks has no target: a mix of fewer
 * teachers would be another one.
 */
async function mixedTargets(
  first: TeacherCache,
  others: readonly TeacherCache[],
  options: MixOptions,
): Promise<TargetSource> {
  const { classNames, task } = first.reader.meta;
  if (task !== undefined && options.mix === 'confidence') throw new ValueMixError(task);
  for (const { reader } of others) {
    requireSameClasses(reader.shards[0] ?? '', reader.meta.classNames, classNames);
  }
  const open = async (cache: TeacherCache) => ({
    ...cache,
    targets: await targetsOfCache(
      cache.reader,
      options.temperature,
      cache === first ? hintsOf(options.hints, cache.reader) : [],
    ),
  });
  const main = await open(first);
  const ids = await idsOf(main.targets);
  const opened = [main, ...(await Promise.all(others.map(open)))];
  const teachers = await Promise.all(
    opened.map(
      async (cache): Promise<Teacher> => ({
        ...cache,
        places: await placesIn(cache.targets, ids),
      }),
    ),
  );
  const space = { classCount: classNames.length, temperature: options.temperature };
  const layout = layoutOfMix(
    teachers.map(({ targets }) => targets.layout),
    space,
  );
  const isEverywhere = (shard: number, row: number) =>
    teachers.every(({ places }) => (places[shard]?.shards[row] ?? -1) >= 0);
  return {
    layout,
    teachers: teachers.length,
    rowCount: main.targets.rowCount,
    shardCount: main.targets.shardCount,
    readIds: async (shard) =>
      (await main.targets.readIds(shard)).map((id, row) => (isEverywhere(shard, row) ? id : null)),
    // Answers of several teachers are mixed example by example.
    readPositions: () => Promise.resolve(undefined),
    readTargets: async (shard) => {
      const parts = await Promise.all(teachers.map((teacher) => partsOf(teacher, shard, options)));
      return (row) => {
        const said = parts.map((partOf) => partOf(row));
        const hints = said[0]?.target.hints;
        const beside = hints && { hints };
        if (task !== undefined) return { ...mixValues(said, task, space), ...beside };
        const mixed = mixTargets(said, space);
        return { ...(layout.type === 'dense' ? everyClass(mixed, space) : mixed), ...beside };
      };
    },
  };
}

/** A cache with its targets, and where it has the rows of each shard of the first cache. */
interface Teacher extends TeacherCache {
  readonly targets: TargetSource;
  readonly places: readonly Places[];
}

/** Where the rows of a shard of the first cache lie in another one; -1 where they do not. */
interface Places {
  readonly shards: Int32Array;
  readonly rows: Int32Array;
}

type Ids = readonly (string | null)[];

async function idsOf(targets: TargetSource): Promise<Ids[]> {
  const ids: Ids[] = [];
  const shards = readAhead(Array(targets.shardCount).keys(), (shard) => targets.readIds(shard));
  for await (const ofShard of shards) ids.push(ofShard);
  return ids;
}

async function placesIn(targets: TargetSource, wanted: readonly Ids[]): Promise<Places[]> {
  const found = new Map<string | null, readonly [shard: number, row: number]>();
  for (const [shard, ids] of (await idsOf(targets)).entries()) {
    for (const [row, exampleId] of ids.entries()) found.set(exampleId, [shard, row]);
  }
  return wanted.map((ids) => ({
    shards: Int32Array.from(ids, (exampleId) => found.get(exampleId)?.[0] ?? -1),
    rows: Int32Array.from(ids, (exampleId) => found.get(exampleId)?.[1] ?? -1),
  }));
}

/** What one teacher brings to the mix of each row. Caches of one corpus are cut alike: mostly one shard is read. */
async function partsOf(
  { reader, weight, targets, places }: Teacher,
  shardOfFirst: number,
  { mix }: MixOptions,
): Promise<(row: number) => WeightedTarget> {
  const { shards, rows } = places[shardOfFirst] ?? NOWHERE;
  const open = new Map<number, (row: number) => WeightedTarget>();
  for (const shard of new Set(shards.filter((one) => one >= 0))) {
    const targetOf = await targets.readTargets(shard);
    const confidences = mix === 'confidence' ? await confidencesOf(reader, shard) : undefined;
    open.set(shard, (row) => {
      const part = { target: targetOf(row), weight };
      const confidence = confidences?.[row];
      return confidence === undefined ? part : byConfidence(part, confidence);
    });
  }
  return (row) => {
    const part = open.get(shards[row] ?? -1);
    if (part === undefined) throw new RangeError(`row ${row} is not in ${reader.shards[0]}`);
    return part(rows[row] ?? -1);
  };
}

async function confidencesOf(reader: SoftLabelReader, shard: number): Promise<Float64Array> {
  const { meta } = reader;
  if (meta.perWindow) {
    const means = windowMeans(await reader.readShard(shard), meta);
    return topClasses(means, metaOfMeans(meta)).confidences;
  }
  return topClasses(await reader.readNumbers(shard, 1), metaAt(meta, 1)).confidences;
}

const NOWHERE: Places = { shards: new Int32Array(), rows: new Int32Array() };
