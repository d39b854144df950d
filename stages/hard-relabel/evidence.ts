import { foldOf } from '#datasets/folds.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { readLabels } from '#datasets/labels.ts';
import { MissingExampleError } from '#datasets/row-index.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { type Calibration, calibrationOf, claimsOf } from './calibration.ts';
import { doubtsOf } from './doubts.ts';
import { type Guess, studentGuesses, teacherGuesses } from './guesses.ts';
import type { RowEvidence } from './policy.ts';
import type { HardRelabelConfig } from './settings.ts';

/** All that decides about labels: rows of train, and what claims were worth on validation. */
export interface Evidence {
  readonly rows: readonly RowEvidence[];
  readonly teacher: Calibration;
  readonly student: Calibration;
  readonly witness: Witness;
  /** Of confident learning alone. */
  readonly estimatedNoise: number | undefined;
}

type Context = StageContext<HardRelabelConfig>;

/** Reads what teacher and student say. With folds each row has the word of the student that has not seen it. */
export async function readEvidence(
  context: Context,
  classNames: readonly string[],
): Promise<Evidence> {
  const witness = witnessOf(context);
  const [gold, known] = await Promise.all(
    (['train', 'validation'] as const).map(async (split) =>
      goldClasses(await readLabels(inputOf(context, `labels/${split}`))),
    ) as [Promise<Map<string, number>>, Promise<Map<string, number>>],
  );
  const ofTeacher = (split: 'train' | 'validation') =>
    teacherGuesses(inputOf(context, `rows/${split}`), split, classNames);
  const teacher = calibrationOf('teacher', claimsOf(await ofTeacher('validation'), known));
  const onValidation = await Promise.all(
    witness.folders.map((folder) => studentGuesses(folder, 'validation')),
  );
  const claims = onValidation.flatMap((guesses) => claimsOf(guesses, known));
  const student = calibrationOf('student', claims);
  const { doubts, estimatedNoise } = await doubtsOf(context, witness, { gold, known, classNames });
  const perFolder = new Map<string, Map<string, Guess>>();
  for (const folder of witness.folders) {
    perFolder.set(folder, await studentGuesses(folder, 'train'));
  }
  const rows = [...(await ofTeacher('train'))].map(([exampleId, guess]): RowEvidence => {
    const folder = witness.folderOf(exampleId);
    const own = perFolder.get(folder)?.get(exampleId);
    if (own === undefined) throw new MissingExampleError(folder, exampleId);
    return {
      exampleId,
      goldId: gold.get(exampleId) ?? null,
      fold: witness.folds === undefined ? null : foldOf(exampleId, witness.folds),
      teacherId: guess.classId,
      teacherConfidence: teacher.accuracyAt(guess.confidence),
      studentId: own.classId,
      studentConfidence: student.accuracyAt(own.confidence),
      doubt: doubts.get(exampleId) ?? null,
    };
  });
  return { rows, teacher, student, witness, estimatedNoise };
}

/** Whose predictions count for which row. */
export interface Witness {
  readonly folds: number | undefined;
  /** Predictions of the student, or of one student a fold. */
  readonly folders: readonly string[];
  readonly folderOf: (exampleId: string) => string;
}

function witnessOf(context: Context): Witness {
  const { folds } = context.config;
  if (folds === undefined) {
    const folder = inputOf(context, 'predictions');
    return { folds, folders: [folder], folderOf: () => folder };
  }
  const folders = Array.from({ length: folds }, (_, at) =>
    inputOf(context, `predictions@fold${at + 1}`),
  );
  return {
    folds,
    folders,
    folderOf: (exampleId) => folders[foldOf(exampleId, folds) - 1] ?? '',
  };
}
