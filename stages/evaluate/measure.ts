import { Failure } from '#cache/failure.ts';
import type { Metrics } from '#datasets/metrics/metrics.ts';
import { rowIndexOf } from '#datasets/row-index.ts';
import { rowKeys } from '#datasets/tokens/token-answers.ts';
import { meanAveragePrecision } from '#stages/numerics/average-precision.ts';
import {
  accuracy,
  agreement,
  calibrationBins,
  classScores,
  confusionPairs,
  correctness,
  expectedCalibrationError,
  macroF1,
  negativeLogLikelihood,
} from '#stages/numerics/metrics.ts';
import { accuracyAtCoverage, areaUnderRisk } from '#stages/numerics/selective.ts';
import { averagePrecisions } from './class-precisions.ts';
import { agreementInterval, classIntervals } from './intervals.ts';
import { lengthSlices } from './length-slices.ts';
import type { Scores } from './scores.ts';

/** Figures of a model that do not come from its scores. */
export interface Identity {
  readonly name: string;
  readonly subject: 'teacher' | 'student';
  readonly parameters: number | null;
  readonly fileBytes: number;
}

/** What a model is measured beside. */
export interface Reference {
  readonly teacher: Scores | undefined;
  readonly classNames: readonly string[];
  /** Tokens of each row, where a row has one answer. */
  readonly lengths?: ReadonlyMap<string, number> | undefined;
}

/** A test split without any gold label measures nothing. */
export class NoGoldError extends Failure {
  constructor(name: string) {
    super(
      'data',
      'E_EVALUATE_GOLD',
      `evaluate ${name}: no test row has a gold label`,
      'set corpus.test to files with labels',
    );
  }
}

/** All metrics of one model; `gold` by the keys of its rows. Rows without gold count in `agreement` only. */
export function measure(
  identity: Identity,
  scores: Scores,
  gold: ReadonlyMap<string, number>,
  reference: Reference,
): Metrics {
  const keys = rowKeys(scores);
  const rows = keys.flatMap((key, row) => (gold.has(key) ? [row] : []));
  if (rows.length === 0) throw new NoGoldError(identity.name);
  const goldIds = Int32Array.from(rows, (row) => gold.get(keys[row] ?? '') ?? -1);
  const predictedIds = Int32Array.from(rows, (row) => scores.predictedIds[row] ?? -1);
  const confidence = Float32Array.from(rows, (row) => scores.confidence[row] ?? 0);
  const correct = correctness(predictedIds, goldIds);
  const bins = calibrationBins(confidence, correct);
  const { classNames, lengths } = reference;
  const perClass = classScores(predictedIds, goldIds, classNames.length);
  const logProbs = rows.map((row, index) => scores.logProbOf(row, goldIds[index] ?? -1));
  const ofClasses = averagePrecisions(scores, rows, goldIds, classNames.length);
  const exampleIds = rows.map((row) => scores.exampleIds[row] ?? '');
  const { accuracy: accuracyInterval, ...intervals } = classIntervals(
    { exampleIds, predictedIds, goldIds },
    classNames.length,
  );
  const agreed =
    identity.subject === 'teacher' || reference.teacher === undefined
      ? null
      : agreementWith(scores, reference.teacher);
  const nameOf = (classId: number) => classNames[classId] ?? String(classId);
  return {
    formatVersion: 1,
    ...identity,
    rows: rows.length,
    accuracy: accuracy(predictedIds, goldIds),
    accuracyInterval: accuracyInterval ?? [0, 1],
    intervals: { ...intervals, ...(agreed?.interval && { agreement: agreed.interval }) },
    agreement: agreed?.share ?? null,
    expectedCalibrationError: expectedCalibrationError(bins),
    macroF1: macroF1(perClass),
    ...(ofClasses && { meanAveragePrecision: meanAveragePrecision(ofClasses) }),
    negativeLogLikelihood: negativeLogLikelihood(Float64Array.from(logProbs, ({ value }) => value)),
    coverage: accuracyAtCoverage(confidence, correct, COVERAGES),
    areaUnderRisk: areaUnderRisk(confidence, correct),
    ...(lengths && {
      slices: lengthSlices(
        rows.map((row) => lengths.get(keys[row] ?? '') ?? 0),
        correct,
      ),
    }),
    goldOutsideTopK: logProbs.filter(({ isBound }) => isBound).length,
    calibrationBins: bins,
    confusions: confusionPairs(predictedIds, goldIds, MOST_CONFUSED).map((pair) => ({
      gold: nameOf(pair.goldId),
      predicted: nameOf(pair.predictedId),
      count: pair.count,
    })),
    perClass: perClass.map(({ support, precision, recall, f1 }, classId) => ({
      label: nameOf(classId),
      support,
      precision,
      recall,
      f1,
      ...(ofClasses && { averagePrecision: ofClasses[classId] ?? null }),
    })),
  };
}

/**
 * On the rows that both have answered: two models may cut different words off, a teacher may have left rows out,
 * and those say nothing of the student.
 */
function agreementWith(
  student: Scores,
  teacher: Scores,
): { readonly share: number; readonly interval: [number, number] | undefined } | null {
  const index = rowIndexOf(rowKeys(teacher), 'soft labels of the test split');
  const answered = [...rowKeys(student).entries()].flatMap(([row, key]) => {
    const teacherRow = index.find(key);
    return teacherRow === undefined ? [] : [{ row, teacherRow }];
  });
  if (answered.length === 0) return null;
  const own = Int32Array.from(answered, ({ row }) => student.predictedIds[row] ?? -1);
  const said = Int32Array.from(
    answered,
    ({ teacherRow }) => teacher.predictedIds[teacherRow] ?? -1,
  );
  const exampleIds = answered.map(({ row }) => student.exampleIds[row] ?? '');
  return {
    share: agreement(own, said),
    interval: agreementInterval(exampleIds, correctness(own, said)),
  };
}

const MOST_CONFUSED = 10;
const COVERAGES = [1, 0.95, 0.9, 0.8, 0.7, 0.5];
