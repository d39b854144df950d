import { goldClasses } from '#datasets/gold-classes.ts';
import { readLabels } from '#datasets/labels.ts';
import { readPredictions } from '#datasets/predictions.ts';
import type { Mistake } from './report-data.ts';
import type { TextOf } from './texts.ts';

/** The wrong answers that the model was surest of, surest first. */
export async function readMistakes(
  folders: { readonly predictions: string; readonly labels: string },
  classNames: readonly string[],
  textOf: TextOf,
): Promise<Mistake[]> {
  const gold = goldClasses(await readLabels(folders.labels));
  const predictions = await readPredictions(folders.predictions, 'test');
  const nameOf = (classId: number) => classNames[classId] ?? String(classId);
  const wrong = predictions.exampleIds.flatMap((exampleId, row) => {
    const goldId = gold.get(exampleId);
    const predictedId = predictions.predictedIds[row] ?? -1;
    if (goldId === undefined || goldId === predictedId) return [];
    const confidence = predictions.confidence[row] ?? 0;
    return [{ exampleId, gold: nameOf(goldId), predicted: nameOf(predictedId), confidence }];
  });
  wrong.sort((a, b) => b.confidence - a.confidence || (a.exampleId < b.exampleId ? -1 : 1));
  return wrong
    .slice(0, MOST_MISTAKES)
    .map((mistake) => ({ ...mistake, text: textOf(mistake.exampleId) }));
}

const MOST_MISTAKES = 8;
