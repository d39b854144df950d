import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';

/** Means over the steps since the line before. */
export interface TrainingLine {
  readonly step: number;
  readonly loss: number;
  readonly softLoss?: number;
  readonly hardLoss?: number;
  readonly gradNorm: number;
  readonly learningRate: number;
}

/** What the student knows after `step` steps; null where there is nothing to compare with. */
export interface ValidationLine {
  readonly step: number;
  readonly validationAccuracy: number | null;
  readonly agreement: number | null;
  /** Of multi-label. */
  readonly validationMicroF1?: number | null;
  /** Of regression: mean squared error, and correlation with gold. */
  readonly validationError?: number | null;
  readonly validationCorrelation?: number | null;
  readonly entityF1?: number;
  /** Of language models: negative log-likelihood of a token, in nats. */
  readonly validationNll?: number;
}

/** `metrics.jsonl`, one line a measurement. */
export interface TrainingLog {
  append(line: TrainingLine | ValidationLine): Promise<void>;
}

/**
 * Opens the log of a training that goes on after `step`. Later lines of an interrupted run are dropped,
 * and so is the validation at `step`, which is measured again.
 */
export async function openTrainingLog(folder: string, step: number): Promise<TrainingLog> {
  const path = join(folder, 'metrics.jsonl');
  const earlier = await readFile(path, 'utf8').catch(() => '');
  const kept = earlier.split('\n').filter((line) => stepOf(line) <= step);
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
  return { append: (line) => appendFile(path, `${JSON.stringify(line)}\n`) };
}

/** Step after which a line is final; Infinity for the torn last line of a killed run. */
function stepOf(line: string): number {
  try {
    const { step, validationAccuracy } = logged.parse(JSON.parse(line));
    return validationAccuracy === undefined ? step : step + 1;
  } catch {
    return Infinity;
  }
}

const logged = z.object({ step: z.int(), validationAccuracy: z.number().nullish() });
