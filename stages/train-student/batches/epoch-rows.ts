import { randomFor } from '#stages/numerics/random.ts';
import type { SoftTarget } from '#stages/train-student/targets/soft-targets.ts';
import type { EpochRows, TransferRow, TransferSet } from '#stages/train-student/transfer-set.ts';

/** How often each row of a set, in stored order, comes in an epoch. */
export type Copies = (epoch: number) => Int32Array;

/** What choosing rows goes by, in stored order. */
export interface RowSurvey {
  readonly exampleIds: readonly string[];
  readonly classIds: Int32Array;
  /** The first row of each shard. */
  readonly starts: readonly number[];
}

/** Reads all rows once. The class of a row is its gold label of most weight, or else its teacher's. */
export async function surveyRows(set: TransferSet): Promise<RowSurvey> {
  const exampleIds: string[] = [];
  const classIds: number[] = [];
  const starts: number[] = [];
  for (let shard = 0; shard < set.shardCount; shard++) {
    starts.push(exampleIds.length);
    for (const row of await set.readShard(shard)) {
      exampleIds.push(row.exampleId);
      classIds.push(classOf(row));
    }
  }
  return { exampleIds, classIds: Int32Array.from(classIds), starts };
}

/** The set with epochs of their own. */
export function withCopies(set: TransferSet, { starts }: RowSurvey, copiesOf: Copies): TransferSet {
  const ofEpoch = (epoch: number): EpochRows => {
    const copies = copiesOf(epoch);
    return {
      lengths: set.lengths.flatMap((length, row) => Array<number>(copies[row] ?? 0).fill(length)),
      shardCount: set.shardCount,
      readShard: async (shard) => {
        const start = starts[shard] ?? 0;
        const rows = await set.readShard(shard);
        return rows.flatMap((row, i) => Array<TransferRow>(copies[start + i] ?? 0).fill(row));
      },
    };
  };
  return { ...set, ofEpoch };
}

/** Each row stands in one of its forms, itself or a view, and in the next one an epoch later. */
export function rotatingViews(
  { exampleIds }: RowSurvey,
  of: ReadonlyMap<string, string>,
  seed: number,
): Copies {
  const forms = new Map<string, number[]>();
  for (const [row, exampleId] of exampleIds.entries()) {
    listUnder(forms, of.get(exampleId) ?? exampleId).push(row);
  }
  const random = randomFor(seed, 'views');
  const groups = [...forms.values()].map((rows) => {
    return { rows, first: Math.floor(random() * rows.length) };
  });
  return (epoch) => {
    const copies = new Int32Array(exampleIds.length);
    for (const { rows, first } of groups) copies[rows[(first + epoch) % rows.length] ?? 0] = 1;
    return copies;
  };
}

/**
 * As many rows an epoch as `rowsOf` has, the same number of each class: rows of a rare class come several
 * times, of a frequent one some are left out, others in the next epoch.
 */
export function balancedClasses({ classIds }: RowSurvey, rowsOf: Copies, seed: number): Copies {
  return (epoch) => {
    const given = rowsOf(epoch);
    const byClass = new Map<number, number[]>();
    for (const [row, classId] of classIds.entries()) {
      if ((given[row] ?? 0) > 0) listUnder(byClass, classId).push(row);
    }
    return evenShares([...byClass.values()], classIds.length, randomFor(seed, `balance:${epoch}`));
  };
}

/** Every row once. */
export function everyRow({ exampleIds }: RowSurvey): Copies {
  const copies = new Int32Array(exampleIds.length).fill(1);
  return () => copies;
}

/** The rows of all classes, shared out over the classes, and in a class over its rows from a random one on. */
function evenShares(
  classes: readonly (readonly number[])[],
  size: number,
  random: () => number,
): Int32Array {
  const copies = new Int32Array(size);
  const total = classes.reduce((sum, { length }) => sum + length, 0);
  const firstClass = Math.floor(random() * classes.length);
  for (const [index, rows] of classes.entries()) {
    const wanted = shareOf(total, classes.length, (index + firstClass) % classes.length);
    const first = Math.floor(random() * rows.length);
    for (const [place, row] of rows.entries()) {
      copies[row] = shareOf(wanted, rows.length, (place + first) % rows.length);
    }
  }
  return copies;
}

/** The list of a key, begun where there is none. */
function listUnder<Key>(lists: Map<Key, number[]>, key: Key): number[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** The part of `total` that falls to place `index` of `count`: all parts add up to it and differ by 1 at most. */
function shareOf(total: number, count: number, index: number): number {
  return Math.floor(((index + 1) * total) / count) - Math.floor((index * total) / count);
}

function classOf({ gold, soft }: TransferRow): number {
  const [first, ...others] = gold;
  if (first !== undefined) {
    return others.reduce((best, one) => (one.weight > best.weight ? one : best), first).labelId;
  }
  return soft === null ? -1 : likeliest(soft);
}

function likeliest(soft: SoftTarget): number {
  if (soft.type === 'top-k') return soft.topIds[largestPlace(soft.topLogProbs)] ?? -1;
  if (soft.type === 'dense') return largestPlace(soft.logits);
  return soft.sampleIds[largestPlace(soft.sampleShares)] ?? -1;
}

function largestPlace(values: Float32Array): number {
  let best = 0;
  for (const [place, value] of values.entries()) if (value > (values[best] ?? 0)) best = place;
  return best;
}
