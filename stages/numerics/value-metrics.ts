import { averagePrecision, meanAveragePrecision } from './average-precision.ts';

/** How near numbers are to those that are right. */
export interface RegressionFigures {
  readonly meanSquaredError: number;
  readonly meanAbsoluteError: number;
  /** Null where one side never changes. Of several outputs the mean of theirs. */
  readonly pearson: number | null;
  readonly spearman: number | null;
}

/** How well yes and no are told apart for every class. */
export interface MultiLabelFigures {
  /** Of all decisions together. */
  readonly microF1: number;
  /** Mean over the classes. */
  readonly macroF1: number;
  /** Mean average precision over the classes that some row has; null where none has any. */
  readonly meanAveragePrecision: number | null;
  /** Share of rows whose decisions are all right. */
  readonly subsetAccuracy: number;
  /** In class order. */
  readonly perClass: readonly ClassFigures[];
}

export interface ClassFigures {
  readonly support: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly averagePrecision: number | null;
}

/** Figures of values against gold, both [rows * width]. */
export function regressionFigures(
  values: ArrayLike<number>,
  gold: ArrayLike<number>,
  width: number,
): RegressionFigures {
  const errors = Array.from(gold, (target, at) => (values[at] ?? Number.NaN) - target);
  const columns = Array.from({ length: width }, (_, output) => output);
  const meanOf = (figure: (a: number[], b: number[]) => number | null) =>
    meanOrNull(
      columns.map((output) => figure(column(values, output, width), column(gold, output, width))),
    );
  return {
    meanSquaredError: mean(errors.map((error) => error * error)),
    meanAbsoluteError: mean(errors.map(Math.abs)),
    pearson: meanOf(pearson),
    spearman: meanOf(spearman),
  };
}

/**
 * R^2, 1 - squared error / variance of gold, both [rows * width], the mean over the outputs: 1 where the values are
 * gold, 0 where they are no nearer than its mean. null where gold never changes.
 */
export function rSquared(
  values: ArrayLike<number>,
  gold: ArrayLike<number>,
  width: number,
): number | null {
  return meanOrNull(
    Array.from({ length: width }, (_, output) => {
      const [own, target] = [column(values, output, width), column(gold, output, width)];
      const centre = mean(target);
      const variance = mean(target.map((value) => (value - centre) ** 2));
      const error = mean(target.map((value, row) => (value - (own[row] ?? Number.NaN)) ** 2));
      return variance > 0 ? 1 - error / variance : null;
    }),
  );
}

/** The largest micro-F1 that who says the same labels of every row can reach; gold shares are [rows * classCount]. */
export function sameLabelsF1(gold: ArrayLike<number>, classCount: number): number {
  const rows = gold.length / classCount;
  const supports = Array.from({ length: classCount }, (_, classId) =>
    column(gold, classId, classCount).reduce((sum, one) => sum + (one >= 0.5 ? 1 : 0), 0),
  ).sort((a, b) => b - a);
  const all = supports.reduce((sum, support) => sum + support, 0);
  let [best, found] = [0, 0];
  for (const [place, support] of supports.entries()) {
    found += support;
    best = Math.max(best, share(2 * found, (place + 1) * rows + all));
  }
  return best;
}

/** Figures of logits against gold shares, both [rows * classCount]. A logit above 0, or a share from 0.5 on, is a yes. */
export function multiLabelFigures(
  logits: ArrayLike<number>,
  gold: ArrayLike<number>,
  classCount: number,
): MultiLabelFigures {
  const says = Array.from(logits, (logit) => logit > 0);
  const is = Array.from(gold, (share) => share >= 0.5);
  const perClass = Array.from({ length: classCount }, (_, classId): ClassFigures => {
    const own = countYes(says, is, classId, classCount);
    const scores = column(logits, classId, classCount);
    return {
      support: own.is,
      precision: share(own.both, own.says),
      recall: share(own.both, own.is),
      f1: share(2 * own.both, own.says + own.is),
      averagePrecision: averagePrecision(
        scores,
        scores.map((_, row) => is[row * classCount + classId] ?? false),
      ),
    };
  });
  const all = countYes(says, is, 0, 1);
  return {
    microF1: share(2 * all.both, all.says + all.is),
    macroF1: mean(perClass.map(({ f1 }) => f1)),
    meanAveragePrecision: meanAveragePrecision(perClass.map((one) => one.averagePrecision)),
    subsetAccuracy: equalRows(says, is, classCount),
    perClass,
  };
}

/** Share of rows whose lists of `width` decisions are equal. */
function equalRows(a: readonly boolean[], b: readonly boolean[], width: number): number {
  const rows = a.length / width;
  const equal = Array.from({ length: rows }, (_, row) => {
    for (let at = row * width; at < (row + 1) * width; at++) if (a[at] !== b[at]) return 0;
    return 1;
  });
  return mean(equal);
}

/** Share of decisions (logit above 0) on which two models say the same. */
export function decisionAgreement(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return mean(Array.from(a, (logit, at) => (logit > 0 === (b[at] ?? Number.NaN) > 0 ? 1 : 0)));
}

/** Linear correlation; null where one side never changes. */
export function pearson(a: readonly number[], b: readonly number[]): number | null {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, ownA, ownB] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [da, db] = [value - meanA, (b[at] ?? Number.NaN) - meanB];
    both += da * db;
    ownA += da * da;
    ownB += db * db;
  }
  return ownA > 0 && ownB > 0 ? both / Math.sqrt(ownA * ownB) : null;
}

/** Correlation of the ranks, equal values sharing the mean of theirs. */
export function spearman(a: readonly number[], b: readonly number[]): number | null {
  return pearson(ranksOf(a), ranksOf(b));
}

function ranksOf(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = values.map(() => 0);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end += 1;
    for (const row of order.slice(start, end)) ranks[row] = (start + end - 1) / 2;
    start = end;
  }
  return ranks;
}

/** Yes of the model, of gold, and of both, in every `step`-th place from `first` on. */
function countYes(
  says: readonly boolean[],
  is: readonly boolean[],
  first: number,
  step: number,
): { says: number; is: number; both: number } {
  const counts = { says: 0, is: 0, both: 0 };
  for (let at = first; at < says.length; at += step) {
    if (says[at]) counts.says += 1;
    if (is[at]) counts.is += 1;
    if (says[at] && is[at]) counts.both += 1;
  }
  return counts;
}

function column(values: ArrayLike<number>, place: number, width: number): number[] {
  return Array.from(
    { length: values.length / width },
    (_, row) => values[row * width + place] ?? Number.NaN,
  );
}

/** 0 where there is nothing to divide by, as usual for precision and recall. */
function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function meanOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : mean(known);
}
