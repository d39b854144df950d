import { Failure } from '#cache/failure.ts';
import { requireSameClasses } from '#datasets/class-list.ts';
import type { Split } from '#datasets/example.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { topClasses } from '#datasets/soft-labels/top-classes.ts';
import { openExampleLabels } from '#datasets/window-means.ts';

/** The class that a model puts first and the probability that it states for it. */
export interface Guess {
  readonly classId: number;
  readonly confidence: number;
}

/** A row of another split where only one split may stand. Test rows measure; they are never relabelled. */
export class WrongSplitError extends Failure {
  constructor(table: string, exampleId: string, found: Split, expected: Split) {
    super(
      'data',
      'E_RELABEL_SPLIT',
      `${table}: example ${exampleId} belongs to split "${found}"; hard-relabel reads only "${expected}" rows here${
        found === 'test' ? ' and refuses the split that measures' : ''
      }`,
      'run the stage that wrote this table again, or drop the file that was put there by hand',
    );
  }
}

/** The teacher's guesses for all rows of one split, by example id. */
export async function teacherGuesses(
  folder: string,
  split: Split,
  classNames: readonly string[],
): Promise<Map<string, Guess>> {
  const guesses = new Map<string, Guess>();
  const reader = await openExampleLabels(folder);
  try {
    requireSameClasses(folder, reader.meta.classNames, classNames);
    for await (const rows of reader.rows()) {
      const { classIds, confidences } = topClasses(rows, reader.meta);
      rows.exampleIds.forEach((exampleId, row) => {
        requireSplit(folder, exampleId, rows.splits[row], split);
        guesses.set(exampleId, guessOf(classIds[row], confidences[row]));
      });
    }
  } finally {
    await reader.close();
  }
  return guesses;
}

/** The student's guesses for all rows of one split, by example id. */
export async function studentGuesses(folder: string, split: Split): Promise<Map<string, Guess>> {
  const predictions = await readPredictions(folder, split);
  return new Map(
    predictions.exampleIds.map((exampleId, row) => [
      exampleId,
      guessOf(predictions.predictedIds[row], predictions.confidence[row]),
    ]),
  );
}

function guessOf(classId = -1, confidence = 0): Guess {
  return { classId, confidence };
}

function requireSplit(
  table: string,
  exampleId: string,
  found: Split | undefined,
  expected: Split,
): void {
  if (found !== expected) throw new WrongSplitError(table, exampleId, found ?? 'test', expected);
}
