import { type SoftLabelMeta, type SoftLabelRows, temperatureIndex } from '#datasets/soft-labels.ts';

/** What the soft loss wants of one row, at the temperature of the training. */
export type SoftTarget =
  | {
      readonly type: 'top-k';
      readonly topIds: Int32Array;
      readonly topLogProbs: Float32Array;
      readonly tailLogMass: number;
    }
  | { readonly type: 'dense'; readonly logits: Float32Array };

/** Soft targets row by row. A top-k cache must hold the temperature; a dense one serves every. */
export function softTargetsOf(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  temperature: number,
): (row: number) => SoftTarget {
  if (meta.mode === 'dense') {
    const width = meta.classNames.length;
    return (row) => ({
      type: 'dense',
      logits: rows.logits.subarray(row * width, (row + 1) * width),
    });
  }
  const place = temperatureIndex(meta, temperature);
  const logSumExp = rows.logSumExp[place] ?? new Float32Array();
  const tailLogMass = rows.tailLogMass[place] ?? new Float32Array();
  const k = meta.topK ?? 0;
  return (row) => {
    const topLogits = rows.topLogits.subarray(row * k, (row + 1) * k);
    const normaliser = logSumExp[row] ?? Number.NaN;
    return {
      type: 'top-k',
      topIds: rows.topIds.subarray(row * k, (row + 1) * k),
      // log p_T(i) = z_i / T - LSE_T, exact at every stored T
      topLogProbs: topLogits.map((logit) => logit / temperature - normaliser),
      tailLogMass: tailLogMass[row] ?? Number.NaN,
    };
  };
}

/** The teacher's best class of each row. */
export function teacherClasses(rows: SoftLabelRows, meta: SoftLabelMeta): Int32Array {
  if (meta.mode === 'top-k') {
    const k = meta.topK ?? 0;
    return Int32Array.from({ length: rows.rowCount }, (_, row) => rows.topIds[row * k] ?? -1);
  }
  return bestClasses(rows.logits, meta.classNames.length);
}

/** Position of the largest logit of each row; the first of equals. */
export function bestClasses(logits: Float32Array, classCount: number): Int32Array {
  return Int32Array.from({ length: logits.length / classCount }, (_, row) => {
    const start = row * classCount;
    let best = start;
    for (let at = start + 1; at < start + classCount; at++) {
      if ((logits[at] ?? 0) > (logits[best] ?? 0)) best = at;
    }
    return best - start;
  });
}
