import { z } from 'zod';
import { answeredSchema } from '#datasets/operating-point.ts';
import { LANGUAGE_MODEL_TASKS, type LanguageModelTask, type ValueTask } from '#datasets/task.ts';
import { featureShape, sliceShape } from './slice-metrics.ts';

const share = z.number().min(0).max(1);

/** Bootstrap over the test rows (of words, over sentences), 95 %, by the name of the figure. Left out of earlier files. */
export const intervalsShape = {
  intervals: z.record(z.string(), z.tuple([z.number(), z.number()])).optional(),
};

/** What was claimed beside what came true; of several labels over all decisions, by the probability of a yes. */
export const calibrationShape = z.strictObject({
  calibrationBins: z.array(
    z.strictObject({
      from: share,
      to: share,
      count: z.int(),
      meanConfidence: share.nullable(),
      accuracy: share.nullable(),
    }),
  ),
});

/** What evaluate finds out about a model that does not say one class of a row: `metrics.json` has `task` then. */
export const valueMetricsSchema = z.strictObject({
  formatVersion: z.literal(1),
  task: z.enum(['multi-label', 'regression', ...LANGUAGE_MODEL_TASKS]),
  /** `teacher`, or the variant's name. */
  name: z.string(),
  subject: z.enum(['teacher', 'student']),
  /** Test rows with gold (of language models, asked tokens): what the figures are about. */
  rows: z.int(),
  /** By name, the first one leads; null where it cannot be told. */
  figures: z.record(z.string(), z.number().nullable()),
  ...intervalsShape,
  /** Multi-label: share of equal decisions; regression: correlation; language models: share of tokens with the same likeliest one; null for the teacher itself. */
  agreement: z.number().nullable(),
  /** Of a student of several labels that has a goal (export.goal). */
  operatingPoint: answeredSchema.optional(),
  ...sliceShape,
  ...featureShape,
  /** Of language models: tokens whose likelihood is a bound, as the cache does not keep them. */
  goldOutsideTopK: z.int().optional(),
  parameters: z.int().nullable(),
  /** Of the ONNX file and its external weights. */
  fileBytes: z.int(),
  ...calibrationShape.partial().shape,
  /** Multi-label only, in class order. */
  perClass: z.array(
    z.strictObject({
      label: z.string(),
      support: z.int(),
      precision: share,
      recall: share,
      f1: share,
      averagePrecision: share.nullable(),
    }),
  ),
});

export type ValueMetrics = z.infer<typeof valueMetricsSchema>;

/** The same of a language model. */
export interface LanguageMetrics extends ValueMetrics {
  readonly task: LanguageModelTask;
  readonly figures: {
    /** exp of the next. */
    readonly perplexity: number;
    /** Mean over the tokens, in nats. */
    readonly negativeLogLikelihood: number;
    /** Share of tokens that it finds the likeliest and are right. */
    readonly accuracy: number;
  };
  readonly goldOutsideTopK: number;
}

/** Figures of a task, the leading one first. */
export const FIGURES_OF: Readonly<Record<ValueTask, readonly string[]>> = {
  regression: ['pearson', 'spearman', 'meanSquaredError', 'meanAbsoluteError'],
  'multi-label': ['microF1', 'macroF1', 'meanAveragePrecision', 'subsetAccuracy'],
};

/** Names of the figures, for people. */
export const FIGURE_NAMES: Readonly<Record<string, string>> = {
  pearson: 'Pearson',
  spearman: 'Spearman',
  meanSquaredError: 'MSE',
  meanAbsoluteError: 'MAE',
  microF1: 'micro-F1',
  macroF1: 'macro-F1',
  meanAveragePrecision: 'PR-AUC',
  subsetAccuracy: 'subset accuracy',
  perplexity: 'perplexity',
  negativeLogLikelihood: 'nats a token',
  accuracy: 'accuracy',
  agreement: 'agreement',
  entityF1: 'entity F1',
  expectedCalibrationError: 'calibration error',
  areaUnderRisk: 'area under risk',
  linearCka: 'linear CKA',
};

/** Figures that are shares, 0 to 1. */
export const SHARES: ReadonlySet<string> = new Set([
  ...FIGURES_OF['multi-label'],
  'accuracy',
  'entityF1',
  'expectedCalibrationError',
  'areaUnderRisk',
]);

/** Is this figure a share of rows, of words or of entities? */
export function isShareFigure(name: string): boolean {
  return SHARES.has(name);
}

/** A figure for people: a share as percent, anything else as a number. */
export function shownFigure(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined) return '-';
  return isShareFigure(name) ? `${(100 * value).toFixed(1)} %` : value.toPrecision(3);
}
