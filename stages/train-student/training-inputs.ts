import { requireSameClasses } from '#datasets/class-list.ts';
import { readClasses } from '#datasets/classes.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { readHardLabels } from '#datasets/hard-labels.ts';
import { readLabels } from '#datasets/labels.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels.ts';
import { answerKey } from '#datasets/token-answers.ts';
import { labelsByExample, readTokenLabels } from '#datasets/token-labels.ts';
import { readTokens, type TokenTable } from '#datasets/tokens.ts';
import { bestClasses } from '#datasets/top-classes.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { type GoldTarget, goldTargets } from './gold-targets.ts';
import type { TeacherCache } from './mixed-caches.ts';
import type { TrainStudentConfig } from './settings.ts';
import { type ValidationSet, validationSet } from './validation.ts';
import { wordValidationSet } from './word-validation.ts';

/** What the stage reads. No test row is among it. */
export interface TrainingInputs {
  readonly classNames: readonly string[];
  readonly train: TokenTable;
  readonly gold: ReadonlyMap<string, readonly GoldTarget[]>;
  /** Of token classification, in place of `gold`: the class of each word. */
  readonly wordGold?: ReadonlyMap<string, Int32Array>;
  /** The cache of each teacher; none in a training without soft loss. The caller closes them. */
  readonly softLabels: readonly TeacherCache[];
  readonly validation: ValidationSet;
}

/** Reads and joins the input artifacts. A training without soft loss does not need the train soft labels. */
export async function readTrainingInputs(
  context: StageContext<TrainStudentConfig>,
): Promise<TrainingInputs> {
  const { softLossWeight, task } = context.config;
  const classNames = await readClasses(inputOf(context, 'classes'));
  const labels =
    task === 'token-classification'
      ? await readWordLabels(context, classNames)
      : await readRowLabels(context, classNames);
  return {
    classNames,
    train: await readTokens(inputOf(context, 'tokens/student/train')),
    ...labels,
    // Last, so that nothing that fails above leaves them open.
    softLabels: softLossWeight > 0 ? await openCaches(context, classNames) : [],
  };
}

type Labels = Pick<TrainingInputs, 'gold' | 'wordGold' | 'validation'>;

async function readRowLabels(
  context: StageContext<TrainStudentConfig>,
  classNames: readonly string[],
): Promise<Labels> {
  const hardLabels = context.inputs['hardLabels'];
  return {
    gold: goldTargets(
      await readLabels(inputOf(context, 'labels/train')),
      hardLabels === undefined ? [] : await readHardLabels(hardLabels),
    ),
    validation: validationSet(
      await readTokens(inputOf(context, 'tokens/student/validation')),
      goldClasses(await readLabels(inputOf(context, 'labels/validation'))),
      await teacherAnswers(context.inputs['rows/validation'], classNames),
    ),
  };
}

async function readWordLabels(
  context: StageContext<TrainStudentConfig>,
  classNames: readonly string[],
): Promise<Labels> {
  const goldOf = async (split: 'train' | 'validation') =>
    labelsByExample(await readTokenLabels(inputOf(context, `labels/${split}`)));
  return {
    gold: new Map(),
    wordGold: await goldOf('train'),
    validation: wordValidationSet(
      await readTokens(inputOf(context, 'tokens/student/validation')),
      await goldOf('validation'),
      await teacherAnswers(context.inputs['rows/validation'], classNames),
      classNames,
    ),
  };
}

/** `rows/train` is the cache of the main teacher, `rows/train@NAME` that of a further one. */
async function openCaches(
  context: StageContext<TrainStudentConfig>,
  classNames: readonly string[],
): Promise<TeacherCache[]> {
  const names = Object.keys(context.inputs).filter((name) => name.split('@')[0] === TRAIN_ROWS);
  const weights = context.config.teacherWeights ?? {};
  const caches: TeacherCache[] = [];
  try {
    for (const name of names.length === 0 ? [TRAIN_ROWS] : names) {
      const reader = await openChecked(inputOf(context, name), classNames);
      caches.push({ reader, weight: weights[name.split('@')[1] ?? 'teacher'] ?? 1 });
    }
    return caches;
  } catch (error) {
    for (const { reader } of caches) await reader.close();
    throw error;
  }
}

async function openChecked(
  folder: string,
  classNames: readonly string[],
): Promise<SoftLabelReader> {
  const reader = await openSoftLabels(folder);
  try {
    requireSameClasses(folder, reader.meta.classNames, classNames);
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** The teacher's class of each validation row, by example id, or by the key of the answer where there are several. */
async function teacherAnswers(
  folder: string | undefined,
  classNames: readonly string[],
): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  if (folder === undefined) return answers;
  const reader = await openChecked(folder, classNames);
  try {
    for await (const rows of reader.rows()) {
      const classIds = bestClasses(rows, reader.meta);
      for (const [row, exampleId] of rows.exampleIds.entries()) {
        const position = rows.positions?.[row];
        const key = position === undefined ? exampleId : answerKey(exampleId, position);
        answers.set(key, classIds[row] ?? -1);
      }
    }
  } finally {
    await reader.close();
  }
  return answers;
}

const TRAIN_ROWS = 'rows/train';
