import { requireSameClasses } from '#datasets/class-list.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { readHardLabels } from '#datasets/hard-labels.ts';
import { readLabels } from '#datasets/labels.ts';
import { bestClasses } from '#datasets/soft-labels/top-classes.ts';
import { readTargets } from '#datasets/targets.ts';
import { isLanguageModel, isValueTask, type ValueTask } from '#datasets/task.ts';
import { answerKey } from '#datasets/tokens/token-answers.ts';
import { labelsByExample, readTokenLabels } from '#datasets/tokens/token-labels.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import { openExampleLabels } from '#datasets/window-means.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { goldOfText } from '#stages/train-student/language/language-targets.ts';
import { tokenValidationSet } from '#stages/train-student/language/language-validation.ts';
import type { TrainStudentConfig } from '#stages/train-student/settings.ts';
import { openCheckedCache } from '#stages/train-student/training-caches.ts';
import { type ValidationSet, validationSet } from '#stages/train-student/validation.ts';
import { valueTargets } from '#stages/train-student/values/value-targets.ts';
import type { ValueJudge } from '#stages/train-student/values/value-validation.ts';
import { wordValidationSet } from '#stages/train-student/words/word-validation.ts';
import { type GoldTarget, goldTargets } from './gold-targets.ts';

/** What a student is told of train rows, and judged by on validation rows. */
export interface TrainingLabels {
  readonly gold: ReadonlyMap<string, readonly GoldTarget[]>;
  /** Of tasks with an answer a word or token, in place of `gold`: the class of each, by its position. */
  readonly wordGold?: ReadonlyMap<string, Int32Array>;
  readonly validation: ValidationSet;
  /** Of tasks whose gold is numbers, in place of the classes in `validation`. */
  readonly judge?: ValueJudge;
}

interface JudgedRows {
  readonly train: StoredTokens;
  readonly validation: StoredTokens;
  readonly classNames: readonly string[];
}

/** Gold of train and validation, and the teacher's class of each validation row, by the kind of task. */
export function readTrainingLabels(
  context: StageContext<TrainStudentConfig>,
  rows: JudgedRows,
): Promise<TrainingLabels> {
  const { task } = context.config;
  if (isLanguageModel(task)) return readTexts(context, rows);
  if (isValueTask(task)) return readValues(context, task, rows);
  return task === 'token-classification'
    ? readWordLabels(context, rows)
    : readRowLabels(context, rows);
}

async function readTexts(
  context: StageContext<TrainStudentConfig>,
  { train, validation, classNames }: JudgedRows,
): Promise<TrainingLabels> {
  const teacherIds = await teacherAnswers(context.inputs['rows/validation'], classNames);
  return {
    gold: new Map(),
    wordGold: goldOfText(train),
    validation: tokenValidationSet(validation, teacherIds),
  };
}

async function readValues(
  context: StageContext<TrainStudentConfig>,
  task: ValueTask,
  rows: JudgedRows,
): Promise<TrainingLabels> {
  return {
    gold: valueTargets(await readTargets(inputOf(context, 'labels/train'))),
    validation: validationSet(rows.validation, new Map(), new Map()),
    judge: await valueJudge(context, task, rows),
  };
}

async function readRowLabels(
  context: StageContext<TrainStudentConfig>,
  { validation, classNames }: JudgedRows,
): Promise<TrainingLabels> {
  const hardLabels = context.inputs['hardLabels'];
  return {
    gold: goldTargets(
      await readLabels(inputOf(context, 'labels/train')),
      hardLabels === undefined ? [] : await readHardLabels(hardLabels),
    ),
    validation: validationSet(
      validation,
      goldClasses(await readLabels(inputOf(context, 'labels/validation'))),
      await teacherAnswers(context.inputs['rows/validation'], classNames),
    ),
  };
}

async function readWordLabels(
  context: StageContext<TrainStudentConfig>,
  { validation, classNames }: JudgedRows,
): Promise<TrainingLabels> {
  const goldOf = async (split: 'train' | 'validation') =>
    labelsByExample(await readTokenLabels(inputOf(context, `labels/${split}`)));
  return {
    gold: new Map(),
    wordGold: await goldOf('train'),
    validation: wordValidationSet(
      validation,
      await goldOf('validation'),
      await teacherAnswers(context.inputs['rows/validation'], classNames),
      classNames,
    ),
  };
}

async function valueJudge(
  context: StageContext<TrainStudentConfig>,
  task: ValueTask,
  { validation, classNames }: JudgedRows,
): Promise<ValueJudge> {
  const targets = await readTargets(inputOf(context, 'labels/validation'));
  const teacher = new Map<string, Float32Array>();
  const folder = context.inputs['rows/validation'];
  const reader = folder === undefined ? undefined : await openCheckedCache(folder, classNames);
  try {
    for await (const { exampleIds, logits } of reader?.rows() ?? []) {
      const width = classNames.length;
      for (const [row, exampleId] of exampleIds.entries()) {
        teacher.set(exampleId, logits.slice(row * width, (row + 1) * width));
      }
    }
  } finally {
    await reader?.close();
  }
  const gold = new Map(targets.map((row) => [row.exampleId, row.targets]));
  return { task, exampleIds: validation.exampleIds, gold, teacher };
}

/** The teacher's class of each validation row, by example id, or by the key of the answer where there are several. */
async function teacherAnswers(
  folder: string | undefined,
  classNames: readonly string[],
): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  if (folder === undefined) return answers;
  const reader = await openExampleLabels(folder);
  try {
    requireSameClasses(folder, reader.meta.classNames, classNames);
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
