import { SPLITS, type Split } from '#datasets/example.ts';
import { joinNumbers } from '#datasets/parquet/columns.ts';
import type { StageContext } from '#stages/stage.ts';
import { type BatchShape, FREE_SHAPE, planRows } from './batches.ts';
import { freshRows } from './capture.ts';
import { openPlan, type Plan } from './plan.ts';
import type { SoftLabelConfig } from './settings.ts';
import { guardTeacher } from './teacher-guard.ts';
import { rowLength } from './teacher-rows.ts';

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
    const { corpus, shards, sealed, answers } = plan;
    // Answers that stand in files are looked up: no row meets a model.
    const asked = answers === undefined ? shards : [];
    const fresh = asked.map((shard) => freshRows(shard, plan));
    const batches = fresh.flatMap((rows) => batchesOf(rows, plan, context.config, shape));
    const rows = SPLITS.map((split) => [split, corpus.rows[split].length] as const);
    const all = SPLITS.flatMap((split) => corpus.rows[split]);
    const ids = new Set(fresh.flat().map(({ exampleId }) => exampleId));
    const refused = await guardTeacher(ids, sealed.others).catch((error: Error) => error);
    return {
      rows: Object.fromEntries(rows) as Record<Split, number>,
      newRows: fresh.flat().length,
      newTokens: fresh.flat().reduce((sum, row) => sum + rowLength(row), 0),
      newPaddedTokens: batches.reduce((sum, { rows, length }) => sum + rows.length * length, 0),
      lengths: Int32Array.from(all, rowLength),
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

function batchesOf(
  rows: ReturnType<typeof freshRows>,
  { corpus: { maxLength }, keep: { classCount } }: Plan,
  { tokenBudget }: SoftLabelConfig,
  shape: BatchShape,
) {
  return planRows(rows, { tokenBudget, maxLength, shape, classCount });
}
