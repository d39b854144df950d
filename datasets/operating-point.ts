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
  /** Of those, how many rightly; of several labels those with every label and no other. */
  right: z.int(),
  /** Of several labels: those that the rows have, those that were said, and of these the right ones. */
  labels: z.strictObject({ gold: z.int(), said: z.int(), right: z.int() }).optional(),
});

const chosenPointSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** Divisor of the logits. */
  temperature: z.number().positive(),
  /** Least confidence of classes that have none of their own; above 1 nothing is sure enough. */
  threshold: z.number().min(0),
  thresholds: z.record(z.string(), z.number().min(0)),
  /** Of several labels and a share to abstain from: least probability of all decisions about a text together. */
  leastSure: z.number().min(0).optional(),
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

/**
 * `answers 91.2 % of 993 rows, 95.3 % of them rightly`; of several labels `answers 91.2 % of 993 rows: 95.3 % of
 * 1,204 labels are right, 71.2 % of all were found`.
 */
export function shownAnswered({ rows, answered, right, labels }: Answered): string {
  const all = `${percent(answered, rows)} of ${rows.toLocaleString('en-US')} rows`;
  if (labels !== undefined) {
    const { gold, said } = labels;
    const of = `${percent(labels.right, said)} of ${said.toLocaleString('en-US')} labels are right`;
    return `answers ${all}: ${of}, ${percent(labels.right, gold)} of all were found`;
  }
  return answered === 0
    ? `answers ${all}`
    : `answers ${all}, ${percent(right, answered)} of them rightly`;
}

/** What a student that may abstain has to reach: one of the two. */
export interface Goal {
  /** Least share of what is said that is right. */
  readonly precision?: number | undefined;
  /** Largest share of the rows without an answer. */
  readonly abstain?: number | undefined;
}

/** A goal in words, as `goal` of `Answered` has it. */
export function shownGoal({ precision, abstain }: Goal): string {
  return precision === undefined ? `${ABSTAIN}${abstain ?? 0}` : `${PRECISION}${precision}`;
}

/** Do these answers reach the goal that they name, or miss it by no more than this share? */
export function reachesGoal(answers: Answered, slack: number): boolean {
  const { goal, rows, answered } = answers;
  const { said, right } = saidBy(answers);
  if (goal.startsWith(PRECISION)) {
    return said > 0 && right / said >= Number(goal.slice(PRECISION.length)) - slack;
  }
  return (rows - answered) / Math.max(1, rows) <= Number(goal.slice(ABSTAIN.length)) + slack;
}

/** How much is said, and how much of it is right: labels where a row may have several, and else rows. */
export function saidBy({ answered, right, labels }: Answered): { said: number; right: number } {
  return labels ?? { said: answered, right };
}

/** A share in percent; of nothing, 0. */
export function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}

const PRECISION = 'precision >= ';
const ABSTAIN = 'abstain <= ';
const FILE = 'operating-point.json';
