/** Rows that meet the teacher together, padded to one length. */
export interface Batch {
  /** Positions in the list that was planned. */
  readonly rows: readonly number[];
  readonly length: number;
}

export interface BatchOptions {
  /** Padded tokens in a batch; a single row may exceed it. */
  readonly tokenBudget: number;
  readonly maxLength: number;
  /** For teachers without an attention mask: only rows of equal length stand together, unpadded. */
  readonly exactLengths: boolean;
}

/**
 * Batches of rows of like length, the longest first: the peak of memory comes at once and not after
 * hours. Lengths are rounded up to a multiple of 8, which keeps the number of shapes small.
 */
export function planBatches(lengths: readonly number[], options: BatchOptions): Batch[] {
  const order = lengths.map((_, row) => row);
  order.sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const batches: Batch[] = [];
  let open: { rows: number[]; length: number } | undefined;
  for (const row of order) {
    const length = paddedLength(lengths[row] ?? 0, options);
    const fits =
      open !== undefined &&
      (open.rows.length + 1) * open.length <= options.tokenBudget &&
      (!options.exactLengths || open.length === length);
    if (open === undefined || !fits) {
      open = { rows: [], length };
      batches.push(open);
    }
    open.rows.push(row);
  }
  return batches;
}

function paddedLength(length: number, { maxLength, exactLengths }: BatchOptions): number {
  if (exactLengths) return Math.max(length, 1);
  const rounded = Math.max(Math.ceil(length / 8), 1) * 8;
  return Math.max(length, Math.min(rounded, maxLength));
}
