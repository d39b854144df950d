import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';

const calibrationSchema = z.strictObject({
  /** Labelled validation rows that it was fitted on. */
  rows: z.int(),
  /** Knots of the fit: stated confidence and the accuracy behind it. */
  confidences: z.array(z.number()),
  accuracies: z.array(z.number()),
});

const relabelSummarySchema = z.strictObject({
  formatVersion: z.literal(1),
  policy: z.string(),
  minConfidence: z.number(),
  filled: z.int(),
  disagreed: z.int(),
  belowConfidence: z.int(),
  keptGold: z.int(),
  /** Gold labels that got another class; of a relabelling with folds. */
  changed: z.int().optional(),
  /** Labels that the caps kept from being given. */
  capped: z.int().optional(),
  folds: z.int().optional(),
  /** Share of the gold labels that the joint estimate of confident learning counts as wrong. */
  estimatedNoise: z.number().optional(),
  calibration: z.strictObject({ teacher: calibrationSchema, student: calibrationSchema }),
});

/** What hard-relabel decided, in numbers, and the calibration behind it: `summary.json` beside the rows. */
export type RelabelSummary = z.infer<typeof relabelSummarySchema>;

/** A summary.json that is no summary of format 1. */
export class RelabelSummaryError extends Failure {
  constructor(file: string, reason: string) {
    super(
      'corrupt',
      'E_RELABEL_SUMMARY',
      `${file}: ${reason}`,
      'write it again: decant run --force hard-relabel',
    );
  }
}

/** Writes `summary.json`. */
export async function writeRelabelSummary(folder: string, summary: RelabelSummary): Promise<void> {
  await writeFileAtomic(join(folder, FILE), `${JSON.stringify(summary, null, 2)}\n`);
}

/** Reads and checks `summary.json`. */
export async function readRelabelSummary(folder: string): Promise<RelabelSummary> {
  const file = join(folder, FILE);
  try {
    return relabelSummarySchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new RelabelSummaryError(file, error instanceof Error ? error.message : String(error));
  }
}

const FILE = 'summary.json';
