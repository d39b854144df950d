import { readClasses } from '#datasets/classes.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { type HardLabel, readHardLabels, writeHardLabels } from '#datasets/hard-labels.ts';
import { readLabels } from '#datasets/labels.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { randomFor, shuffle } from '#stages/numerics/random.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { ControlLabelsConfig } from './index.ts';

/**
 * For each gold label that was changed, the gold label of a row drawn at random becomes another class at
 * random; for each row that was filled, a row without gold drawn at random gets any class.
 */
export async function* runControlLabels(
  context: StageContext<ControlLabelsConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const classNames = await readClasses(inputOf(context, 'classes'));
  const given = await readHardLabels(inputOf(context, 'hard-labels'));
  const gold = goldClasses(await readLabels(inputOf(context, 'labels/train')));
  const { exampleIds } = await readTokens(inputOf(context, 'tokens/student/train'));
  const random = randomFor(context.config.seed, 'control-labels');
  const changed = given.filter(({ oldLabelId }) => oldLabelId !== null).length;
  const drawn = (isLabelled: boolean, count: number) =>
    shuffle(
      exampleIds.filter((exampleId) => gold.has(exampleId) === isLabelled),
      random,
    ).slice(0, count);
  const labels = [...drawn(true, changed), ...drawn(false, given.length - changed)].map(
    (exampleId) => randomLabel(exampleId, gold.get(exampleId) ?? null, classNames, random),
  );
  await writeHardLabels(outputOf(context, 'hard-labels'), labels);
  yield { type: 'count', name: 'randomLabels', value: labels.length };
}

function randomLabel(
  exampleId: string,
  goldId: number | null,
  classNames: readonly string[],
  random: () => number,
): HardLabel {
  const place = Math.floor(random() * (classNames.length - (goldId === null ? 0 : 1)));
  const newLabelId = goldId !== null && place >= goldId ? place + 1 : place;
  return {
    exampleId,
    split: 'train',
    oldLabel: goldId === null ? null : (classNames[goldId] ?? null),
    oldLabelId: goldId,
    newLabel: classNames[newLabelId] ?? '',
    newLabelId,
    reason: 'random-control',
    teacherConfidence: 0,
    studentConfidence: 0,
    confidence: null,
    fold: null,
  };
}
