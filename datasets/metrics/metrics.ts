import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { answeredSchema } from '#datasets/operating-point.ts';
import { featureShape, sliceShape } from './slice-metrics.ts';
import {
  calibrationShape,
  intervalsShape,
  type ValueMetrics,
  valueMetricsSchema,
} from './value-metrics.ts';

const share = z.number().min(0).max(1);

const foundSchema = {
  /** Entities of the corpus, and those that the model names. */
  support: z.int(),
  predicted: z.int(),
  precision: share,
  recall: share,
  f1: share,
};

const wordsSchema = z.strictObject({
  sentences: z.int(),
  /** Labelled words that the model never saw: cut off, or without a token. They count as O, and in no figure of words. */
  unanswered: z.int(),
  /** Micro average over entities; null where the classes do not name entities (O, B-, I-). */
  entities: z
    .strictObject({
      ...foundSchema,
      perType: z.array(z.strictObject({ type: z.string(), ...foundSchema })),
    })
    .nullable(),
});

const metricsSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** `teacher`, or the variant's name. */
  name: z.string(),
  subject: z.enum(['teacher', 'student']),
  /** Test rows (of token classification, words) with a gold label: what all figures but `agreement` are about. */
  rows: z.int(),
  accuracy: share,
  /** Bootstrap, 95 %. */
  accuracyInterval: z.tuple([share, share]),
  ...intervalsShape,
  /** Share of all test rows on which it puts the teacher's class first; null for the teacher itself and where no teacher was asked. */
  agreement: share.nullable(),
  expectedCalibrationError: share,
  macroF1: share,
  /** Area under the precision-recall curve, mean over the classes with gold rows; left out of a teacher whose cache keeps a part of the classes. */
  meanAveragePrecision: share.nullable().optional(),
  /** Nats. Where the gold class of a row stands outside the kept top k, the row counts with the smallest possible value. */
  negativeLogLikelihood: z.number(),
  /** Rows of which the likelihood above is a bound and not a value. */
  goldOutsideTopK: z.int(),
  /** How right the surest rows are, at a share of all; and the area under risk over coverage. */
  coverage: z
    .array(z.strictObject({ coverage: share, confidence: share, accuracy: share }))
    .optional(),
  areaUnderRisk: share.optional(),
  /** Of a student that may abstain (export.goal). */
  operatingPoint: answeredSchema.optional(),
  /** Parts of the test rows, by a number that each row has. */
  slices: z
    .array(
      z.strictObject({
        of: z.literal('tokens'),
        from: z.int(),
        to: z.int(),
        rows: z.int(),
        accuracy: share,
      }),
    )
    .optional(),
  ...sliceShape,
  ...featureShape,
  /** Of token classification only. */
  words: wordsSchema.optional(),
  parameters: z.int().nullable(),
  /** Of the ONNX file and its external weights; 0 where there is none. */
  fileBytes: z.int(),
  ...calibrationShape.shape,
  /** Most frequent mistakes first. */
  confusions: z.array(z.strictObject({ gold: z.string(), predicted: z.string(), count: z.int() })),
  /** In class order. */
  perClass: z.array(
    z.strictObject({
      label: z.string(),
      support: z.int(),
      precision: share,
      recall: share,
      f1: share,
      averagePrecision: share.nullable().optional(),
    }),
  ),
});

const timingsSchema = z.strictObject({
  formatVersion: z.literal(1),
  provider: z.string(),
  runtime: z.string(),
  /** Null: all cores. */
  threads: z.int().nullable(),
  /** Test rows that were timed. */
  rows: z.int(),
  latencyMsBatch1: z.strictObject({ p50: z.number(), p95: z.number() }),
  /** Of 20 batches of so many rows, 32 unless a language model's logits would not fit; left out of earlier files. */
  latencyMsBatched: z.strictObject({ rows: z.int(), p50: z.number(), p95: z.number() }).optional(),
  /** In these batches, rows of like length together. */
  rowsPerSecond: z.number(),
});

const anyMetricsSchema = z.union([metricsSchema, valueMetricsSchema]);

/** What evaluate found out about one classifier on the test split: `metrics.json`. */
export type Metrics = z.infer<typeof metricsSchema>;

/** The same, whatever the task. */
export type AnyMetrics = Metrics | ValueMetrics;

/** How fast it was on one machine, once: `timings.json`, never equal twice. */
export type Timings = z.infer<typeof timingsSchema>;

/** A metrics.json or timings.json that is not of format 1. */
export class MetricsFileError extends Failure {
  constructor(file: string, reason: string) {
    super(
      'corrupt',
      'E_METRICS_FILE',
      `${file}: ${reason}`,
      'write it again: decant run --force evaluate',
    );
  }
}

/** Writes `metrics.json`. */
export async function writeMetrics(folder: string, metrics: AnyMetrics): Promise<void> {
  await writeJson(join(folder, 'metrics.json'), anyMetricsSchema.parse(metrics));
}

/** Reads and checks `metrics.json` of a classifier. */
export async function readMetrics(folder: string): Promise<Metrics> {
  return readJson(join(folder, 'metrics.json'), metricsSchema);
}

/** Reads and checks `metrics.json`, whatever the task. */
export async function readAnyMetrics(folder: string): Promise<AnyMetrics> {
  return readJson(join(folder, 'metrics.json'), anyMetricsSchema);
}

/** Are these figures of a task whose answers are numbers? */
export function isOfValues(metrics: AnyMetrics): metrics is ValueMetrics {
  return 'task' in metrics;
}

/** Writes `timings.json`. */
export async function writeTimings(folder: string, timings: Timings): Promise<void> {
  await writeJson(join(folder, 'timings.json'), timingsSchema.parse(timings));
}

/** Reads and checks `timings.json`; null where there is none: a teacher whose answers stand in files does not run. */
export async function readTimings(folder: string): Promise<Timings | null> {
  const file = join(folder, 'timings.json');
  return existsSync(file) ? readJson(file, timingsSchema) : null;
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new MetricsFileError(
      file,
      error instanceof z.ZodError ? z.prettifyError(error) : String(error),
    );
  }
}
