import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';

const choiceSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** What they were compared by on the labelled validation rows. */
  figure: z.enum(['accuracy', 'microF1', 'meanSquaredError']),
  /** Rows, or words. */
  rows: z.int(),
  /** How far from the best one a student may be and still be as good. */
  margin: z.number(),
  /** In the order of the configuration. */
  candidates: z.array(
    z.strictObject({
      name: z.string(),
      value: z.number(),
      standardError: z.number(),
      /** Of the ONNX file. */
      fileBytes: z.int(),
      isGoodEnough: z.boolean(),
    }),
  ),
  /** Name of the smallest one that is good enough. */
  chosen: z.string(),
});

/** Which of several students was taken, and by what: `choice.json`. */
export type Choice = z.infer<typeof choiceSchema>;

/** A choice.json that is no choice of format 1. */
class ChoiceError extends Failure {
  constructor(file: string, reason: string) {
    super(
      'corrupt',
      'E_CHOICE',
      `${file}: ${reason}`,
      'write it again: decant run --force choose-student',
    );
  }
}

/** Writes `choice.json`. */
export async function writeChoice(folder: string, choice: Choice): Promise<void> {
  await writeFileAtomic(join(folder, FILE), `${JSON.stringify(choice, null, 2)}\n`);
}

/** Reads and checks `choice.json`. */
export async function readChoice(folder: string): Promise<Choice> {
  const file = join(folder, FILE);
  try {
    return choiceSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new ChoiceError(file, error instanceof Error ? error.message : String(error));
  }
}

/** Why this one, in a sentence. */
export function reasonOf({ figure, candidates, chosen, margin, rows }: Choice): string {
  const good = candidates.filter(({ isGoodEnough }) => isGoodEnough);
  const within = figure === 'meanSquaredError' ? margin.toPrecision(2) : points(margin);
  const those =
    good.length === 1
      ? 'the only one'
      : `the smallest file of ${good.length} (${good.map(({ name }) => name).join(', ')})`;
  return `${chosen} is ${those} within ${within} of the best ${FIGURES[figure]} on ${rows.toLocaleString('en-US')} validation rows`;
}

/** A figure of a candidate as people read it. */
export function shownValue(figure: Choice['figure'], value: number): string {
  return figure === 'meanSquaredError' ? value.toPrecision(3) : `${(100 * value).toFixed(1)} %`;
}

function points(share: number): string {
  return `${(100 * share).toFixed(1)} points`;
}

/** What the figures are called. */
export const FIGURES: Readonly<Record<Choice['figure'], string>> = {
  accuracy: 'accuracy',
  microF1: 'micro-F1',
  meanSquaredError: 'mean squared error',
};

const FILE = 'choice.json';
