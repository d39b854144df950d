import { Failure } from '#cache/failure.ts';
import type { SoftLayout } from '#stages/train-student/targets/soft-targets.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';

/** Soft labels of rows and views cannot be read in one form. */
class ViewLayoutError extends Failure {
  constructor(rows: SoftLayout | null, views: SoftLayout | null) {
    super(
      'data',
      'E_VIEW_LAYOUT',
      `soft labels of the rows are ${rows?.type ?? 'none'}, those of their views ${views?.type ?? 'none'}: together the windows of long texts name every class in one of them only`,
      'keep every logit: set soft-label.keep: all',
    );
  }
}

/**
 * Rows and their views as one set: a pass meets each row in every form that the teacher has spoken about, in
 * random order. As all students take the same number of steps, a view stands where a repetition would.
 */
export function withViews(rows: TransferSet, views: TransferSet): TransferSet {
  return {
    rowCount: rows.rowCount + views.rowCount,
    goldCount: rows.goldCount + views.goldCount,
    lengths: [...rows.lengths, ...views.lengths],
    shardCount: rows.shardCount + views.shardCount,
    readShard: (shard) =>
      shard < rows.shardCount ? rows.readShard(shard) : views.readShard(shard - rows.shardCount),
    soft: commonLayout(rows.soft, views.soft),
    leftOut: [...rows.leftOut, ...views.leftOut],
  };
}

function commonLayout(rows: SoftLayout | null, views: SoftLayout | null): SoftLayout {
  if (rows === null || views === null || rows.type !== views.type) {
    throw new ViewLayoutError(rows, views);
  }
  return { type: rows.type, width: Math.max(rows.width, views.width) };
}
