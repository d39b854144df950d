import { readClasses } from '#datasets/classes.ts';
import { closeFeatures, readFeaturesWithin, type StoredFeatures } from '#datasets/features.ts';
import {
  closeTokens,
  readTokens,
  readTokensWithin,
  type StoredTokens,
} from '#datasets/tokens/tokens.ts';
import { readViews } from '#datasets/views.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { largestOf } from './settings/schedules.ts';
import type { TrainStudentConfig } from './settings.ts';
import type { GoldTarget } from './targets/gold-targets.ts';
import type { TeacherCache } from './targets/mixed-caches.ts';
import { readTrainingLabels, type TrainingLabels } from './targets/training-labels.ts';
import { openTrainingCaches } from './training-caches.ts';

/** What the stage reads. No test row is among it. */
export interface TrainingInputs extends TrainingLabels {
  readonly classNames: readonly string[];
  /** Long ones lie in a file. `closeTrainingInputs` closes it. */
  readonly train: StoredTokens;
  /** The cache of each teacher; none in a training without soft loss. The caller closes them. */
  readonly softLabels: readonly TeacherCache[];
  /** Changed forms of train rows; undefined where none are learned from. */
  readonly views: ViewInputs | undefined;
  /** Tensors of the rows, in the order of their tokens, where the corpus has any. */
  readonly features?: Readonly<Record<'train' | 'validation', StoredFeatures>>;
}

/** Views of train rows, with the gold labels of these. */
export interface ViewInputs {
  readonly tokens: StoredTokens;
  readonly gold: ReadonlyMap<string, readonly GoldTarget[]>;
  /** The row that each view was made from, by their example ids. */
  readonly of: ReadonlyMap<string, string>;
  /** In the order of `softLabels`. The caller closes them. */
  readonly softLabels: readonly TeacherCache[];
}

/** Reads and joins the input artifacts. A training without soft loss does not need the train soft labels. */
export async function readTrainingInputs(
  context: StageContext<TrainStudentConfig>,
): Promise<TrainingInputs> {
  const classNames = await readClasses(inputOf(context, 'classes'));
  const train = await readStored(context, inputOf(context, 'tokens/student/train'));
  const validation = await readTokens(inputOf(context, 'tokens/student/validation'));
  const labels = await readTrainingLabels(context, { train, validation, classNames });
  const views = await readViewsOf(context, labels.gold);
  const features = await featuresOf(context, { train, validation });
  const read = { classNames, train, ...labels, ...features };
  if (largestOf(context.config.softLossWeight) === 0)
    return { ...read, softLabels: [], views: undefined };
  // Last, so that nothing that fails above leaves them open.
  const caches = await openTrainingCaches(context, classNames, { withViews: views !== undefined });
  return {
    ...read,
    softLabels: caches.rows,
    views: views && { ...views, softLabels: caches.views },
  };
}

/** Closes all that reading has left open. */
export async function closeTrainingInputs({
  train,
  views,
  softLabels,
  features,
}: TrainingInputs): Promise<void> {
  for (const { reader } of [...softLabels, ...(views?.softLabels ?? [])]) await reader.close();
  for (const tokens of [train, ...(views ? [views.tokens] : [])]) closeTokens(tokens);
  for (const table of Object.values(features ?? {})) closeFeatures(table);
}

/** Tokens that may be more than memory is to hold. */
function readStored(
  context: StageContext<TrainStudentConfig>,
  folder: string,
): Promise<StoredTokens> {
  return readTokensWithin(folder, memoryOf(context));
}

/** How much of a table may stay in memory, and where more than that goes. */
function memoryOf(context: StageContext<TrainStudentConfig>) {
  const limitBytes = context.config.memoryLimitMb * 2 ** 20;
  return { limitBytes, spill: outputOf(context, 'checkpoints') };
}

/** Texts and gold of the views; undefined where the student learns from none. */
async function readViewsOf(
  context: StageContext<TrainStudentConfig>,
  gold: TrainingInputs['gold'],
): Promise<Omit<ViewInputs, 'softLabels'> | undefined> {
  const { 'views/inputs': index, 'views/tokens': tokens } = context.inputs;
  if (index === undefined || tokens === undefined) return undefined;
  // Of rows that share a view the first decides.
  const views = (await readViews(index)).toReversed();
  const labelled = views.flatMap(({ exampleId, of }) => {
    const targets = gold.get(of);
    return targets === undefined ? [] : [[exampleId, targets] as const];
  });
  const of = new Map(views.map((view) => [view.exampleId, view.of]));
  return { tokens: await readStored(context, tokens), gold: new Map(labelled), of };
}

/** Tensors of both splits, if any. */
async function featuresOf(
  context: StageContext<TrainStudentConfig>,
  tokens: Readonly<Record<'train' | 'validation', StoredTokens>>,
): Promise<Pick<TrainingInputs, 'features'>> {
  const of = (split: 'train' | 'validation') =>
    readFeaturesWithin(
      context.inputs[`inputs/${split}`],
      tokens[split].exampleIds,
      memoryOf(context),
    );
  const [train, validation] = [await of('train'), await of('validation')];
  return train === undefined || validation === undefined ? {} : { features: { train, validation } };
}
