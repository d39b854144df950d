import { requireSameClasses } from '#datasets/class-list.ts';
import type { SoftLabelReader } from '#datasets/soft-labels.ts';
import { topClasses } from '#datasets/top-classes.ts';
import { byConfidence, mixTargets, type WeightedTarget } from './mix-targets.ts';
import { type SoftTarget, softTargetsOf } from './soft-targets.ts';

/** A teacher's cache of one split, and how much it counts. */
export interface TeacherCache {
  readonly reader: SoftLabelReader;
  readonly weight: number;
}

export interface MixOptions {
  readonly temperature: number;
  /** Do surer teachers count more, row by row? Else the weights are fixed. */
  readonly byConfidence: boolean;
}

/**
 * The soft targets of several teachers, mixed at reading time: the rows of the first cache in its order,
 * joined to the others by example id. A teacher that has no answer to a row has no say in it.
 */
export async function* mixedTargets(
  caches: readonly TeacherCache[],
  options: MixOptions,
): AsyncGenerator<{ readonly exampleId: string; readonly target: SoftTarget }> {
  const [first, ...others] = caches;
  if (first === undefined) return;
  const { classNames } = first.reader.meta;
  for (const { reader } of others) {
    requireSameClasses(reader.shards[0] ?? '', reader.meta.classNames, classNames);
  }
  const answers = await Promise.all(others.map((cache) => answersOf(cache, options)));
  const space = { classCount: classNames.length, temperature: options.temperature };
  for (const shard of first.reader.shards.keys()) {
    const own = await readShard(first, shard, options);
    for (const [row, exampleId] of own.exampleIds.entries()) {
      const found = await Promise.all(answers.map((answer) => answer(exampleId)));
      const parts = [own.partOf(row), ...found.flatMap((part) => part ?? [])];
      const weighted = options.byConfidence ? byConfidence(parts) : parts;
      yield { exampleId, target: mixTargets(weighted, space) };
    }
  }
}

type Part = WeightedTarget & { readonly confidence: number };

interface ShardOfParts {
  readonly exampleIds: readonly string[];
  partOf(row: number): Part;
}

async function readShard(
  { reader, weight }: TeacherCache,
  shard: number,
  { temperature }: MixOptions,
): Promise<ShardOfParts> {
  const rows = await reader.readShard(shard);
  const targetOf = softTargetsOf(rows, reader.meta, temperature);
  // Only a mix by confidence needs T = 1, which not every cache holds.
  let confidences: Float64Array | undefined;
  return {
    exampleIds: rows.exampleIds,
    partOf: (row) => ({
      target: targetOf(row),
      weight,
      get confidence() {
        confidences ??= topClasses(rows, reader.meta).confidences;
        return confidences[row] ?? Number.NaN;
      },
    }),
  };
}

/** Looks rows up by example id; the shards that were used last stay in memory. */
async function answersOf(
  cache: TeacherCache,
  options: MixOptions,
): Promise<(exampleId: string) => Promise<Part | undefined>> {
  const places = new Map<string, { readonly shard: number; readonly row: number }>();
  for (const shard of cache.reader.shards.keys()) {
    const { exampleIds } = await cache.reader.readShard(shard);
    for (const [row, exampleId] of exampleIds.entries()) places.set(exampleId, { shard, row });
  }
  const open = new Map<number, Promise<ShardOfParts>>();
  return async (exampleId) => {
    const place = places.get(exampleId);
    if (place === undefined) return undefined;
    const parts = open.get(place.shard) ?? readShard(cache, place.shard, options);
    open.delete(place.shard);
    open.set(place.shard, parts);
    const [oldest] = open.keys();
    if (open.size > OPEN_SHARDS && oldest !== undefined) open.delete(oldest);
    return (await parts).partOf(place.row);
  };
}

const OPEN_SHARDS = 4;
