import type { Split } from './example.ts';
import { logNormalisers } from './soft-labels/log-normalisers.ts';
import type { SoftLabelMeta, SoftLabelRows } from './soft-labels/soft-labels.ts';

/** A row of soft labels that cannot be true. */
export interface RowProblem {
  /** Counted from 0. */
  readonly row: number;
  readonly exampleId: string;
  readonly problem: string;
}

/**
 * Rows that break what every teacher's answer obeys: finite numbers (features too), distinct classes, logits sorted,
 * log-sum-exp not below the top logit, and probabilities that sum to 1 at every stored temperature.
 * `seen` holds the ids met so far, which must not come again.
 */
export function brokenRows(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  split: Split,
  seen: Set<string>,
): RowProblem[] {
  const problemOf = problemsOf(rows, meta);
  return rows.exampleIds.flatMap((exampleId, row) => {
    const id = rows.positions === undefined ? exampleId : `${exampleId} ${rows.positions[row]}`;
    const problem =
      idProblem(rows, row, split, seen.has(id)) ??
      problemOf(row) ??
      entropyProblem(rows, meta, row) ??
      hiddenProblem(rows, row);
    seen.add(id);
    return problem === undefined ? [] : [{ row, exampleId, problem }];
  });
}

function idProblem(
  rows: SoftLabelRows,
  row: number,
  split: Split,
  isKnown: boolean,
): string | undefined {
  const exampleId = rows.exampleIds[row] ?? '';
  if (!/^[0-9a-f]{32}$/.test(exampleId)) return 'its example id is not 32 hex digits';
  if (isKnown) {
    return `another row has the same example id${rows.positions === undefined ? '' : ' and position'}`;
  }
  const found = rows.splits[row];
  return found === split ? undefined : `it says split ${found}, but lies in rows/${split}`;
}

type ProblemOf = (row: number) => string | undefined;

function problemsOf(rows: SoftLabelRows, meta: SoftLabelMeta): ProblemOf {
  if (meta.mode === 'sampled') return (row) => sampledProblem(rows, meta, row);
  const sumProblem = sumProblems(rows, meta);
  const width = meta.mode === 'dense' ? meta.classNames.length : (meta.topK ?? 0);
  const values = meta.mode === 'dense' ? rows.logits : rows.topLogits;
  return (row) => {
    const logits = values.subarray(row * width, (row + 1) * width);
    const ids = rows.topIds.subarray(row * width, (row + 1) * width);
    return (
      (meta.mode === 'top-k' ? orderProblem(ids, logits) : undefined) ?? sumProblem(logits, row)
    );
  };
}

function orderProblem(ids: Int32Array, logits: Float32Array): string | undefined {
  if (new Set(ids).size !== ids.length) return 'a class stands twice in top_ids';
  const unsorted = logits.findIndex((logit, rank) => rank > 0 && logit > (logits[rank - 1] ?? 0));
  return unsorted > 0 ? `top_logits rise at place ${unsorted}` : undefined;
}

/** Draws add up to what was drawn, of distinct classes. */
function sampledProblem(
  { sampled }: SoftLabelRows,
  { samples }: SoftLabelMeta,
  row: number,
): string | undefined {
  const [from = 0, to = 0] = sampled?.offsets.subarray(row, row + 2) ?? [];
  const ids = sampled?.ids.subarray(from, to) ?? [];
  if (new Set(ids).size !== ids.length) return 'a class stands twice in sample_ids';
  const drawn = sampled?.counts.subarray(from, to).reduce((sum, count) => sum + count, 0);
  if (drawn !== samples) return `its sample_counts add up to ${drawn}, not ${samples}`;
  const confidence = sampled?.confidence[row] ?? Number.NaN;
  return confidence > 0 && confidence <= 1 + ENTROPY_ROUNDING
    ? undefined
    : `confidence is ${confidence}`;
}

/** Kept probabilities and the tail add up to 1 at every stored temperature. */
function sumProblems(rows: SoftLabelRows, meta: SoftLabelMeta) {
  const normalisers = meta.temperatures.map((temperature) =>
    logNormalisers(rows, meta, temperature),
  );
  return (logits: Float32Array, row: number): string | undefined => {
    if (!logits.every(Number.isFinite)) return 'a logit is not finite';
    const top = logits.reduce((best, logit) => Math.max(best, logit), -Infinity);
    for (const [index, temperature] of meta.temperatures.entries()) {
      const logSumExp = normalisers[index]?.[row] ?? NaN;
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
  };
}

function entropyProblem(rows: SoftLabelRows, meta: SoftLabelMeta, row: number): string | undefined {
  const entropy = rows.entropyNats[row] ?? NaN;
  const most = mostEntropy(meta);
  if (entropy >= -ENTROPY_ROUNDING && entropy <= most + ENTROPY_ROUNDING) return undefined;
  return `entropy_nats is ${entropy}, not within 0 and ${most}, the most that ${meta.classNames.length} classes can have`;
}

/** Features are any numbers, but numbers. */
function hiddenProblem({ hidden = {}, rowCount }: SoftLabelRows, row: number): string | undefined {
  const broken = Object.entries(hidden).find(([, values]) => {
    const width = values.length / rowCount;
    return !values.subarray(row * width, (row + 1) * width).every(Number.isFinite);
  });
  return broken === undefined ? undefined : `hidden_${broken[0]} is not finite`;
}

/** Of one choice among all classes, or of a yes or no for each of them. */
function mostEntropy({ classNames: { length }, task }: SoftLabelMeta): number {
  return task === undefined ? Math.log(length) : length * Math.LN2;
}

/** float32 keeps a logit and a log-sum-exp to half a unit in the last place; exp makes that relative. */
function toleranceOf(topLogit: number, logSumExp: number): number {
  return 4e-6 + (Math.abs(topLogit) + Math.abs(logSumExp)) * FLOAT32_STEP;
}

const FLOAT32_STEP = 2 ** -22;
const ENTROPY_ROUNDING = 1e-4;
