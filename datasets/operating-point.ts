import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';

/** What a student says of labelled rows when it may abstain. */
export const answeredSchema = z.strictObject({
  /** Such as `precision >= 0.95`. */
  goal: z.string(),
  /** With a gold label. */
  rows: z.int(),
  /** Of which the student is sure enough. */
  answered: z.int(),
  /** Of those, how many rightly. */
  right: z.int(),
});

const chosenPointSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** Divisor of the logits. */
  temperature: z.number().positive(),
  /** Least confidence of classes that have none of their own; above 1 nothing is sure enough. */
  threshold: z.number().min(0),
  thresholds: z.record(z.string(), z.number().min(0)),
  /** Rows from which on a class has a threshold of its own; null where all share one. */
  rowsForOwn: z.int().nullable(),
  /** Classes that validation rows name less often than that. */
  sharing: z.array(z.string()),
  validation: answeredSchema,
});

/** Coverage and precision of a student at its operating point. */
export type Answered = z.infer<typeof answeredSchema>;

/** When a student is sure enough to be answered by, as chosen on validation: `operating-point.json`. */
export type ChosenPoint = z.infer<typeof chosenPointSchema>;

/** An operating-point.json that is none of format 1. */
class OperatingPointError extends Failure {
  constructor(file: string, reason: string) {
    super(
      'corrupt',
      'E_OPERATING_POINT',
      `${file}: ${reason}`,
      'write it again: decant run --force operating-point',
    );
  }
}

/** Writes `operating-point.json`. */
export async function writeOperatingPoint(folder: string, point: ChosenPoint): Promise<void> {
  const text = `${JSON.stringify(chosenPointSchema.parse(point), null, 2)}\n`;
  await writeFileAtomic(join(folder, FILE), text);
}

/** Reads and checks `operating-point.json`. */
export async function readOperatingPoint(folder: string): Promise<ChosenPoint> {
  const file = join(folder, FILE);
  try {
    return chosenPointSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new OperatingPointError(file, error instanceof Error ? error.message : String(error));
  }
}

/** `answers 91.2 % of 993 rows, 95.3 % of them rightly`. */
export function shownAnswered({ rows, answered, right }: Answered): string {
  const all = `${percent(answered, rows)} of ${rows.toLocaleString('en-US')} rows`;
  return answered === 0
    ? `answers ${all}`
    : `answers ${all}, ${percent(right, answered)} of them rightly`;
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}

const FILE = 'operating-point.json';
