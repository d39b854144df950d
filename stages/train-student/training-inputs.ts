import { requireSameClasses } from '#datasets/class-list.ts';
import { readClasses } from '#datasets/classes.ts';
import { type FeatureTable, featuresInOrder, readFeaturesIfAny } from '#datasets/features.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { readHardLabels } from '#datasets/hard-labels.ts';
import { readLabels } from '#datasets/labels.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels.ts';
import { readTargets } from '#datasets/targets.ts';
import { isValueTask, type ValueTask } from '#datasets/task.ts';
import { answerKey } from '#datasets/token-answers.ts';
import { labelsByExample, readTokenLabels } from '#datasets/token-labels.ts';
import { readTokens, type TokenTable } from '#datasets/tokens.ts';
import { bestClasses } from '#datasets/top-classes.ts';
import { readViews } from '#datasets/views.ts';
import { openExampleLabels } from '#datasets/window-means.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { type GoldTarget, goldTargets } from './gold-targets.ts';
import type { TeacherCache } from './mixed-caches.ts';
import type { TrainStudentConfig } from './settings.ts';
import { type ValidationSet, validationSet } from './validation.ts';
import { valueTargets } from './value-targets.ts';
import type { ValueJudge } from './value-validation.ts';
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
  /** Changed forms of train rows; undefined where none are learned from. */
  readonly views: ViewInputs | undefined;
  readonly validation: ValidationSet;
  /** Of tasks whose gold is numbers, in place of the classes in `validation`. */
  readonly judge?: ValueJudge;
  /** Tensors of the rows, in the order of their tokens, where the corpus has any. */
  readonly features?: Readonly<Record<'train' | 'validation', FeatureTable>>;
}

/** Views of train rows, with the gold labels of these. */
export interface ViewInputs {
  readonly tokens: TokenTable;
  readonly gold: ReadonlyMap<string, readonly GoldTarget[]>;
  /** In the order of `softLabels`. The caller closes them. */
  readonly softLabels: readonly TeacherCache[];
}

/** Reads and joins the input artifacts. A training without soft loss does not need the train soft labels. */
export async function readTrainingInputs(
  context: StageContext<TrainStudentConfig>,
): Promise<TrainingInputs> {
  const { softLossWeight } = context.config;
  const classNames = await readClasses(inputOf(context, 'classes'));
  const train = await readTokens(inputOf(context, 'tokens/student/train'));
  const validation = await readTokens(inputOf(context, 'tokens/student/validation'));
  const tables = { train, validation };
  const labels = await labelsOf(context, validation, classNames);
  const views = await readViewsOf(context, labels.gold);
  return {
    classNames,
    train,
    ...labels,
    ...(await featuresOf(context, tables)),
    // Last, so that nothing that fails above leaves them open.
    ...(softLossWeight > 0
      ? await openCaches(context, classNames, views)
      : { softLabels: [], views: undefined }),
  };
}

type Labels = Pick<TrainingInputs, 'gold' | 'wordGold' | 'validation' | 'judge'>;

function labelsOf(
  context: StageContext<TrainStudentConfig>,
  validation: TokenTable,
  classNames: readonly string[],
): Promise<Labels> {
  const { task } = context.config;
  if (isValueTask(task)) return readValues(context, task, { validation, classNames });
  return task === 'token-classification'
    ? readWordLabels(context, classNames)
    : readRowLabels(context, classNames);
}

async function readValues(
  context: StageContext<TrainStudentConfig>,
  task: ValueTask,
  rows: { readonly validation: TokenTable; readonly classNames: readonly string[] },
): Promise<Labels> {
  return {
    gold: valueTargets(await readTargets(inputOf(context, 'labels/train'))),
    validation: validationSet(rows.validation, new Map(), new Map()),
    judge: await valueJudge(context, task, rows),
  };
}

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

/** Texts and gold of the views; undefined where the student learns from none. */
async function readViewsOf(
  { inputs }: StageContext<TrainStudentConfig>,
  gold: TrainingInputs['gold'],
): Promise<Omit<ViewInputs, 'softLabels'> | undefined> {
  const [index, tokens] = [inputs['views/inputs'], inputs['views/tokens']];
  if (index === undefined || tokens === undefined) return undefined;
  const labelled = (await readViews(index)).flatMap(({ exampleId, of }) => {
    const targets = gold.get(of);
    return targets === undefined ? [] : [[exampleId, targets] as const];
  });
  // Of rows that share a view the first decides.
  return { tokens: await readTokens(tokens), gold: new Map(labelled.toReversed()) };
}

/** Tensors of both splits, if any. */
async function featuresOf(
  context: StageContext<TrainStudentConfig>,
  tokens: Readonly<Record<'train' | 'validation', TokenTable>>,
): Promise<Pick<TrainingInputs, 'features'>> {
  const of = async (split: 'train' | 'validation') => {
    const table = await readFeaturesIfAny(context.inputs[`inputs/${split}`]);
    return table && featuresInOrder(table, tokens[split].exampleIds);
  };
  const [train, validation] = [await of('train'), await of('validation')];
  return train === undefined || validation === undefined ? {} : { features: { train, validation } };
}

async function valueJudge(
  context: StageContext<TrainStudentConfig>,
  task: ValueTask,
  { validation, classNames }: { validation: TokenTable; classNames: readonly string[] },
): Promise<ValueJudge> {
  const targets = await readTargets(inputOf(context, 'labels/validation'));
  const teacher = new Map<string, Float32Array>();
  const folder = context.inputs['rows/validation'];
  const reader = folder === undefined ? undefined : await openChecked(folder, classNames);
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

/** `rows/train` is the cache of the main teacher, `rows/train@NAME` that of a further one; `views/rows` likewise. */
async function openCaches(
  context: StageContext<TrainStudentConfig>,
  classNames: readonly string[],
  views: Omit<ViewInputs, 'softLabels'> | undefined,
): Promise<Pick<TrainingInputs, 'softLabels' | 'views'>> {
  const weights = context.config.teacherWeights ?? {};
  const opened: TeacherCache[] = [];
  const open = async (kind: string): Promise<TeacherCache[]> => {
    const names = Object.keys(context.inputs).filter((name) => name.split('@')[0] === kind);
    const caches: TeacherCache[] = [];
    for (const name of names.length === 0 ? [kind] : names) {
      const reader = await openChecked(inputOf(context, name), classNames);
      const cache = { reader, weight: weights[name.split('@')[1] ?? 'teacher'] ?? 1 };
      caches.push(cache);
      opened.push(cache);
    }
    return caches;
  };
  try {
    const softLabels = await open(TRAIN_ROWS);
    return { softLabels, views: views && { ...views, softLabels: await open(VIEW_ROWS) } };
  } catch (error) {
    for (const { reader } of opened) await reader.close();
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

const TRAIN_ROWS = 'rows/train';
const VIEW_ROWS = 'views/rows';
