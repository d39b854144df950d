import type { ValueTask } from '#datasets/task.ts';
import { binaryLoss, squaredError } from '#stages/numerics/value-losses.ts';
import {
  decisionAgreement,
  multiLabelFigures,
  regressionFigures,
} from '#stages/numerics/value-metrics.ts';
import type { Measurement } from '#stages/train-student/training.ts';
import { doubtAboutTeacher, type ValidationSet } from '#stages/train-student/validation.ts';

/** Validation rows with what a student of values is compared with, by example id. */
export interface ValueJudge {
  readonly task: ValueTask;
  readonly exampleIds: readonly string[];
  readonly gold: ReadonlyMap<string, Float32Array>;
  readonly teacher: ReadonlyMap<string, Float32Array>;
}

/** Measures a student's logits [rows * width], by gold where there is any, else by the teacher. */
export function judgeValues(judge: ValueJudge, logits: Float32Array, width: number): Measurement {
  const byGold = compared(judge, judge.gold, logits, width);
  const byTeacher = compared(judge, judge.teacher, logits, width);
  const score = byGold.rows > 0 ? scoreBy(judge.task, byGold, width) : null;
  const ofTeacher = byTeacher.rows > 0 ? agreementWith(judge.task, byTeacher, width) : null;
  if (judge.task === 'regression') {
    const { meanSquaredError, pearson } =
      byGold.rows > 0 ? regressionFigures(byGold.own, byGold.others, width) : NOTHING;
    return {
      validation: {
        validationAccuracy: null,
        agreement: ofTeacher,
        validationError: meanSquaredError,
        validationCorrelation: pearson,
      },
      score: score ?? (byTeacher.rows > 0 ? scoreBy(judge.task, byTeacher, width) : null),
    };
  }
  const figures = byGold.rows > 0 ? multiLabelFigures(byGold.own, byGold.others, width) : null;
  return {
    validation: {
      validationAccuracy: figures?.subsetAccuracy ?? null,
      agreement: ofTeacher,
      validationMicroF1: figures?.microF1 ?? null,
    },
    score: score ?? (ofTeacher === null ? null : shareScore(ofTeacher, byTeacher.rows * width)),
  };
}

/** Says when the teacher hardly knows more of the validation rows than their labels tell by themselves; null where it does. */
export function doubtIn({
  validation,
  judge,
}: {
  readonly validation: ValidationSet;
  readonly judge?: ValueJudge;
}): string | null {
  return judge === undefined ? doubtAboutTeacher(validation) : doubtAboutValues(judge);
}

/** Says when the teacher is hardly better than the mean of the gold values each time; null where it is. */
export function doubtAboutValues({ task, exampleIds, gold, teacher }: ValueJudge): string | null {
  const rows = exampleIds.flatMap((id) => {
    const [own, said] = [gold.get(id), teacher.get(id)];
    return own === undefined || said === undefined ? [] : [{ own: [...own], said: [...said] }];
  });
  const [first] = rows;
  if (first === undefined) return null;
  const means = first.own.map(
    (_, output) => rows.reduce((sum, { own }) => sum + (own[output] ?? 0), 0) / rows.length,
  );
  const mean = (lossOf: (row: (typeof rows)[number]) => number) =>
    rows.reduce((sum, row) => sum + lossOf(row), 0) / rows.length;
  const isRegression = task === 'regression';
  const loss = isRegression ? squaredError : binaryLoss;
  const constant = isRegression ? means : means.map(logitOf);
  const [ofTeacher, ofMean] = [
    mean(({ own, said }) => loss(said, own).loss),
    mean(({ own }) => loss(constant, own).loss),
  ];
  if (ofTeacher <= ofMean * (1 - LEAST_GAIN)) return null;
  const name = isRegression ? 'mean squared error' : 'binary cross-entropy';
  return `the teacher has a ${name} of ${ofTeacher.toPrecision(3)} on the labelled validation rows, the mean of their labels each time ${ofMean.toPrecision(3)}: was its head trained, and do its outputs mean yours?`;
}

interface Compared {
  readonly rows: number;
  readonly own: Float32Array;
  readonly others: Float32Array;
}

/** Logits of the rows that the other side knows, and what it says of them. */
function compared(
  { exampleIds }: ValueJudge,
  others: ReadonlyMap<string, Float32Array>,
  logits: Float32Array,
  width: number,
): Compared {
  const rows = exampleIds.flatMap((id, row) => (others.has(id) ? [row] : []));
  const both = {
    own: new Float32Array(rows.length * width),
    others: new Float32Array(rows.length * width),
  };
  for (const [place, row] of rows.entries()) {
    both.own.set(logits.subarray(row * width, (row + 1) * width), place * width);
    both.others.set(others.get(exampleIds[row] ?? '') ?? [], place * width);
  }
  return { rows: rows.length, ...both };
}

function scoreBy(task: ValueTask, { own, others, rows }: Compared, width: number) {
  if (task === 'multi-label') {
    const { microF1 } = multiLabelFigures(own, others, width);
    return shareScore(microF1, rows);
  }
  const errors = Array.from({ length: rows }, (_, row) => {
    const part = (values: Float32Array) => [...values.subarray(row * width, (row + 1) * width)];
    return squaredError(part(own), part(others)).loss;
  });
  const mean = errors.reduce((sum, error) => sum + error, 0) / rows;
  const variance = errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / rows;
  // Less error is better, and a score is better where it is higher.
  return { share: -mean, standardError: Math.sqrt(variance / rows) };
}

function shareScore(share: number, count: number) {
  return { share, standardError: Math.sqrt((share * (1 - share)) / count) };
}

/** Regression: correlation with the teacher's numbers; multi-label: share of equal decisions. */
function agreementWith(task: ValueTask, { own, others }: Compared, width: number): number | null {
  return task === 'regression'
    ? regressionFigures(own, others, width).pearson
    : decisionAgreement(own, others);
}

function logitOf(share: number): number {
  const inside = Math.min(Math.max(share, SMALLEST_SHARE), 1 - SMALLEST_SHARE);
  return Math.log(inside / (1 - inside));
}

const NOTHING = { meanSquaredError: null, pearson: null };
const SMALLEST_SHARE = 1e-6;
/** Share by which a teacher must be better than the mean of the labels. */
const LEAST_GAIN = 0.05;
