import type {
  ColumnSlice,
  FeatureSimilarity,
  RobustnessSlice,
} from '#datasets/metrics/slice-metrics.ts';
import { readSliceValues } from '#datasets/metrics/slice-values.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import { inputOf } from '#stages/folders.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { columnSlices } from './column-slices.ts';
import { featureSimilarity } from './feature-similarity.ts';
import type { JudgedRows } from './judged.ts';
import { robustnessSlices } from './robustness.ts';
import type { Scores } from './scores.ts';
import type { EvaluateConfig } from './settings.ts';
import { studentScores, type TestRows } from './student-scores.ts';
import type { Subject } from './subject.ts';

/** What a model is like beyond the whole test split. */
export interface PartMetrics {
  readonly columnSlices?: ColumnSlice[];
  readonly robustness?: RobustnessSlice[];
  readonly featureSimilarity?: FeatureSimilarity;
}

/** A model that was asked about the test rows. */
export interface Measured {
  readonly subject: Subject;
  /** Undefined of a teacher whose answers stand in files. */
  readonly classifier: Classifier | undefined;
  readonly rows: TestRows;
  readonly scores: Scores;
  readonly classCount: number;
  /** Scores beside the gold; undefined where a row has several answers. */
  readonly judge: ((scores: Scores) => JudgedRows) | undefined;
}

/** Slices by column, changed texts and features, as far as the settings and the cache have them. */
export async function* partMetrics(
  context: StageContext<EvaluateConfig>,
  measured: Measured,
): AsyncGenerator<StageEvent, PartMetrics, void> {
  const { slices, robustness, subject } = context.config;
  const { judge, rows, scores, classifier } = measured;
  const judged = judge?.(scores);
  const values = slices && (await readSliceValues(inputOf(context, 'labels/test')));
  const isStudent = subject === 'student' && classifier !== undefined;
  return {
    ...(judged && slices && values && { columnSlices: columnSlices(judged, slices, values) }),
    ...(judged &&
      judge &&
      robustness &&
      isStudent && {
        robustness: yield* robustnessSlices(context, judged, {
          maxLength: rows.tokens.maxLength,
          ask: (tokens) => askedAgain(context, { ...measured, classifier, judge }, tokens),
        }),
      }),
    ...(isStudent && {
      featureSimilarity: await featureSimilarity(context, measured.subject, rows),
    }),
  };
}

async function* askedAgain(
  { signal }: StageContext<EvaluateConfig>,
  {
    classifier,
    rows,
    classCount,
    judge,
  }: Measured & { readonly classifier: Classifier; readonly judge: NonNullable<Measured['judge']> },
  tokens: TokenTable,
): AsyncGenerator<StageEvent, JudgedRows, void> {
  return judge(yield* studentScores(classifier, { ...rows, tokens }, { classCount, signal }));
}
