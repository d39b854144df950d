import type { Split } from './example.ts';
import type { SoftLabelMeta, SoftLabelRows } from './soft-labels.ts';

/** A row of soft labels that cannot be true. */
export interface RowProblem {
  /** Counted from 0. */
  readonly row: number;
  readonly exampleId: string;
  readonly problem: string;
}

/**
 * Rows that break what every teacher's answer obeys: finite numbers, distinct classes, logits sorted,
 * log-sum-exp not below the top logit, and probabilities that sum to 1 at every stored temperature.
 * `seen` holds the ids met so far, which must not come again.
 */
export function brokenRows(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  split: Split,
  seen: Set<string>,
): RowProblem[] {
  return rows.exampleIds.flatMap((exampleId, row) => {
    const problem =
      idProblem(rows, row, split, seen) ??
      (meta.mode === 'dense' ? denseProblem(rows, meta, row) : topProblem(rows, meta, row));
    seen.add(exampleId);
    return problem === undefined ? [] : [{ row, exampleId, problem }];
  });
}

function idProblem(
  rows: SoftLabelRows,
  row: number,
  split: Split,
  seen: ReadonlySet<string>,
): string | undefined {
  const exampleId = rows.exampleIds[row] ?? '';
  if (!/^[0-9a-f]{32}$/.test(exampleId)) return 'its example id is not 32 hex digits';
  if (seen.has(exampleId)) return 'another row has the same example id';
  const found = rows.splits[row];
  return found === split ? undefined : `it says split ${found}, but lies in rows/${split}`;
}

function topProblem(rows: SoftLabelRows, meta: SoftLabelMeta, row: number): string | undefined {
  const k = meta.topK ?? 0;
  const ids = rows.topIds.subarray(row * k, (row + 1) * k);
  const logits = rows.topLogits.subarray(row * k, (row + 1) * k);
  if (new Set(ids).size !== k) return 'a class stands twice in top_ids';
  const unsorted = logits.findIndex((logit, rank) => rank > 0 && logit > (logits[rank - 1] ?? 0));
  if (unsorted > 0) return `top_logits rise at place ${unsorted}`;
  return sumProblem(logits, rows, meta, row) ?? entropyProblem(rows, meta, row);
}

function denseProblem(rows: SoftLabelRows, meta: SoftLabelMeta, row: number): string | undefined {
  const width = meta.classNames.length;
  const logits = rows.logits.subarray(row * width, (row + 1) * width);
  return sumProblem(logits, rows, meta, row) ?? entropyProblem(rows, meta, row);
}

/** Kept probabilities and the tail add up to 1 at every stored temperature. */
function sumProblem(
  logits: Float32Array,
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  row: number,
): string | undefined {
  if (!logits.every(Number.isFinite)) return 'a logit is not finite';
  const top = logits.reduce((best, logit) => Math.max(best, logit), -Infinity);
  for (const [index, temperature] of meta.temperatures.entries()) {
    const logSumExp = rows.logSumExp[index]?.[row] ?? NaN;
    const tail = meta.mode === 'dense' ? -Infinity : (rows.tailLogMass[index]?.[row] ?? NaN);
    const tolerance = toleranceOf(top / temperature, logSumExp);
    if (!Number.isFinite(logSumExp)) return `log_sum_exp at T = ${temperature} is ${logSumExp}`;
    if (logSumExp < top / temperature - tolerance) {
      return `log_sum_exp ${logSumExp} at T = ${temperature} is below the top logit / T ${top / temperature}`;
    }
    const kept = logits.reduce((sum, z) => sum + Math.exp(z / temperature - logSumExp), 0);
    const sum = kept + Math.exp(tail);
    if (!(Math.abs(sum - 1) <= tolerance)) {
      return `its probabilities sum to ${sum} at T = ${temperature}`;
    }
  }
  return undefined;
}

function entropyProblem(rows: SoftLabelRows, meta: SoftLabelMeta, row: number): string | undefined {
  const entropy = rows.entropyNats[row] ?? NaN;
  const most = Math.log(meta.classNames.length);
  if (entropy >= -ENTROPY_ROUNDING && entropy <= most + ENTROPY_ROUNDING) return undefined;
  return `entropy_nats is ${entropy}, not within 0 and ln(classes) = ${most}`;
}

/** float32 keeps a logit and a log-sum-exp to half a unit in the last place; exp makes that relative. */
function toleranceOf(topLogit: number, logSumExp: number): number {
  return 4e-6 + (Math.abs(topLogit) + Math.abs(logSumExp)) * FLOAT32_STEP;
}

const FLOAT32_STEP = 2 ** -22;
const ENTROPY_ROUNDING = 1e-4;
