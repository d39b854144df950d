import { writeClasses } from '#datasets/classes.ts';
import { withoutText } from '#datasets/corpus/reject.ts';
import { SPLITS } from '#datasets/example.ts';
import { withoutTexts, writeExamples } from '#datasets/examples.ts';
import { writeFeatures } from '#datasets/features.ts';
import { writeLabels } from '#datasets/labels.ts';
import { writeSliceValues } from '#datasets/metrics/slice-values.ts';
import { writeTargets } from '#datasets/targets.ts';
import { isValueTask } from '#datasets/task.ts';
import { writeTokenLabels } from '#datasets/tokens/token-labels.ts';
import { writeViews } from '#datasets/views.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { PrepareConfig } from './config.ts';
import type { CutCorpus } from './cut-corpus.ts';
import { featureTable, shapesOfCorpus, tensorColumnsOf } from './features.ts';
import type { ViewSet } from './make-views.ts';
import { sliceValuesOf } from './slice-values.ts';
import { writeRejects } from './write-rejects.ts';

/** Writes the views and what they were made from; nothing where no augmentation is asked for. */
export async function writeViewSet(
  context: StageContext<PrepareConfig>,
  { examples, views }: ViewSet,
): Promise<void> {
  if (context.config.augmentations === undefined) return;
  const folder = outputOf(context, 'inputs/views');
  const storesTexts = context.config.storeTexts !== false;
  await writeExamples(folder, storesTexts ? examples : examples.map(withoutTexts));
  await writeViews(folder, views);
}

/** Writes examples and labels of each split, the class list and the rejects. */
export async function writeCorpus(
  context: StageContext<PrepareConfig>,
  corpus: CutCorpus,
  classNames: readonly string[],
): Promise<void> {
  const { config } = context;
  const { splits, rejects } = corpus;
  const storesTexts = config.storeTexts !== false && config.columns.text !== null;
  const tensors = tensorColumnsOf(config.columns.tensors);
  const shapes = tensors && shapesOfCorpus(tensors, corpus);
  for (const split of SPLITS) {
    const { examples, labels, targets, tokenLabels } = splits[split];
    const inputs = outputOf(context, `inputs/${split}`);
    await writeExamples(inputs, storesTexts ? examples : examples.map(withoutTexts));
    if (shapes !== undefined) await writeFeatures(inputs, featureTable(examples, shapes));
    const gold = outputOf(context, `labels/${split}`);
    if (isValueTask(config.task)) await writeTargets(gold, targets ?? []);
    else if (tokenLabels !== undefined) await writeTokenLabels(gold, tokenLabels);
    else await writeLabels(gold, labels);
  }
  if (config.sliceColumns !== undefined) {
    const values = sliceValuesOf(splits.test.examples, config.sliceColumns);
    // Beside the test labels: what only evaluate and report read.
    await writeSliceValues(outputOf(context, 'labels/test'), values);
  }
  await writeClasses(outputOf(context, 'classes'), classNames);
  await writeRejects(
    outputOf(context, 'rejects'),
    storesTexts ? rejects : rejects.map(withoutText),
  );
}
