import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Split } from '#datasets/example.ts';
import { foldOf } from '#datasets/folds.ts';
import { writePredictions } from '#datasets/predictions.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  classFolder,
  exampleId,
  labelFolder,
  softLabelFolder,
  softLabelsOf,
  tinyMeta,
} from '#tests/support/tiny-world.ts';

/** A row as both models see it: which class, and how far above the others. */
export interface Row {
  readonly id: number;
  readonly teacher: readonly [classId: number, margin: number];
  readonly student: readonly [classId: number, margin: number];
}

// Sure claims were right on validation, unsure ones were not.
const validation: Row[] = Array.from({ length: 60 }, (_, row) => ({
  id: 1000 + row,
  teacher: [0, row < 30 ? 6 : 0.5],
  student: [0, row < 30 ? 6 : 0.5],
}));
export const validationGold = Object.fromEntries(
  validation.map(({ id }, row) => [exampleId(id), row < 30 || row % 2 === 0 ? 0 : 1]),
);

export const train: Row[] = [
  { id: 1, teacher: [1, 6], student: [1, 6] },
  { id: 2, teacher: [1, 6], student: [2, 6] },
  { id: 3, teacher: [2, 0.5], student: [2, 6] },
  { id: 4, teacher: [2, 6], student: [2, 0.5] },
  { id: 5, teacher: [1, 6], student: [1, 6] },
];
// Example 5 is labelled, and both models contradict its label.
const trainGold = { [exampleId(5)]: 0 };

export interface Changes {
  readonly mode?: 'top-k' | 'dense';
  readonly split?: Split;
  readonly studentTrain?: readonly Row[];
  readonly validationGold?: Readonly<Record<string, number>>;
  readonly classNames?: string[];
  readonly train?: readonly Row[];
  readonly trainGold?: Readonly<Record<string, number>>;
  /** Each row is told truly by the student that has left it out; the others repeat its label. */
  readonly folds?: number;
}

export async function relabelInputs(changes: Changes = {}): Promise<Record<string, string>> {
  const folder = temporaryFolder();
  const meta = tinyMeta({
    mode: changes.mode ?? 'top-k',
    topK: changes.mode === 'dense' ? null : 2,
    ...(changes.classNames && { classNames: changes.classNames }),
  });
  const cache = (name: string, split: Split, rows: readonly Row[]) => {
    const logits = rows.map(({ id, teacher }) => ({
      id: exampleId(id),
      logits: logitsOf(teacher),
    }));
    return softLabelFolder(join(folder, name), softLabelsOf(split, logits, meta), meta);
  };
  const gold = changes.trainGold ?? trainGold;
  const rows = changes.train ?? train;
  const predictions: Record<string, string> = {};
  const students = Array.from({ length: changes.folds ?? 1 }, (_, at) => `fold${at + 1}`);
  for (const [at, fold] of students.entries()) {
    const name = changes.folds === undefined ? 'predictions' : `predictions@${fold}`;
    const place = join(folder, name);
    mkdirSync(place);
    const isLeftOut = ({ id }: Row) =>
      changes.folds === undefined || foldOf(exampleId(id), changes.folds) === at + 1;
    const inSample = ({ id }: Row) => [gold[exampleId(id)] ?? 0, 6] as const;
    const told = (changes.studentTrain ?? rows).map((row) =>
      isLeftOut(row) ? row : { ...row, student: inSample(row) },
    );
    await predict(place, 'train', told);
    await predict(place, 'validation', validation);
    predictions[name] = place;
  }
  return {
    'rows/train': await cache('rows-train', changes.split ?? 'train', rows),
    'rows/validation': await cache('rows-validation', 'validation', validation),
    ...predictions,
    'labels/train': await labelFolder(join(folder, 'labels-train'), gold),
    'labels/validation': await labelFolder(
      join(folder, 'labels-validation'),
      changes.validationGold ?? validationGold,
    ),
    classes: await classFolder(join(folder, 'classes')),
  };
}

async function predict(folder: string, split: Split, rows: readonly Row[]): Promise<void> {
  const logits = rows.map(({ student }) => logitsOf(student));
  await writePredictions(folder, split, {
    rowCount: rows.length,
    exampleIds: rows.map(({ id }) => exampleId(id)),
    predictedIds: Int32Array.from(rows, ({ student: [classId] }) => classId),
    confidence: Float32Array.from(
      rows,
      ({ student: [, margin] }) => 1 / (1 + 2 * Math.exp(-margin)),
    ),
    logits: Float32Array.from(logits.flat()),
  });
}

function logitsOf([classId, margin]: readonly [number, number]): number[] {
  return [0, 1, 2].map((id) => (id === classId ? margin : 0));
}
