import { SPLITS, type Split } from '#datasets/example.ts';
import { joinNumbers } from '#datasets/parquet/columns.ts';
import type { StageContext } from '#stages/stage.ts';
import { type BatchShape, FREE_SHAPE, planSizes } from './batches.ts';
import { openPlan, type Plan } from './plan.ts';
import type { SoftLabelConfig } from './settings.ts';
import type { Shard } from './shards.ts';
import { guardTeacher } from './teacher-guard.ts';

/** What a pass of the teacher would be, told without running it. */
export interface Outlook {
  readonly rows: Readonly<Record<Split, number>>;
  /** Rows that no sealed artifact holds: they meet the teacher. */
  readonly newRows: number;
  /** Tokens of the new rows, special ones included. */
  readonly newTokens: number;
  /** The same with the padding of the batches that would be formed. */
  readonly newPaddedTokens: number;
  /** Tokens of each row of the corpus. */
  readonly lengths: Int32Array;
  readonly maxLength: number;
  /** Why the run would be refused without --recompute-teacher, or null. */
  readonly refusal: string | null;
}

/** Reads the corpus and the sealed artifacts; writes nothing and needs no runtime. `shape`: of a teacher that is known. */
export async function outlookOf(
  context: StageContext<SoftLabelConfig>,
  shape: BatchShape = FREE_SHAPE,
): Promise<Outlook> {
  const plan = await openPlan(context, (split) => split);
  try {
    const { shards, sealed, answers } = plan;
    // Answers that stand in files are looked up: no row meets a model.
    const asked = answers === undefined ? shards : [];
    const padded = asked.flatMap((shard) => paddedTokens(shard, plan, context.config, shape));
    const rows = SPLITS.map((split) => [split, rowsIn(shards, split)] as const);
    const refused = await guardTeacher(asked, sealed).catch((error: Error) => error);
    const sum = (numbers: Iterable<number>) => [...numbers].reduce((one, other) => one + other, 0);
    return {
      rows: Object.fromEntries(rows) as Record<Split, number>,
      newRows: sum(asked.map(({ fresh }) => fresh.count)),
      newTokens: sum(asked.map(({ fresh }) => sum(fresh.lengths))),
      newPaddedTokens: sum(padded),
      lengths: joinNumbers(
        shards.map(({ all }) => all.lengths),
        Int32Array,
      ),
      maxLength: context.config.maxLength,
      refusal: refused instanceof Error ? refused.message : null,
    };
  } finally {
    await plan.sealed.close();
  }
}

/** Two passes of one teacher as one. */
export function together(one: Outlook, other: Outlook): Outlook {
  const rows = SPLITS.map((split) => [split, one.rows[split] + other.rows[split]] as const);
  return {
    rows: Object.fromEntries(rows) as Record<Split, number>,
    newRows: one.newRows + other.newRows,
    newTokens: one.newTokens + other.newTokens,
    newPaddedTokens: one.newPaddedTokens + other.newPaddedTokens,
    lengths: joinNumbers([one.lengths, other.lengths], Int32Array),
    maxLength: Math.max(one.maxLength, other.maxLength),
    refusal: one.refusal ?? other.refusal,
  };
}

function rowsIn(shards: readonly Shard[], split: Split): number {
  const ofSplit = shards.filter((shard) => shard.split === split);
  return ofSplit.reduce((sum, { all }) => sum + all.count, 0);
}

/** Padded tokens of each batch of the rows of a shard that meet the teacher. */
function paddedTokens(
  { fresh }: Shard,
  { corpus: { maxLength }, keep: { classCount } }: Plan,
  { tokenBudget }: SoftLabelConfig,
  shape: BatchShape,
): number[] {
  const batches = planSizes(fresh, { tokenBudget, maxLength, shape, classCount });
  return batches.map(({ rows, length }) => rows.length * length);
}
