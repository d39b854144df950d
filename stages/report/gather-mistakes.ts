import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { rowKeys } from '#datasets/tokens/token-answers.ts';
import type { Mistake } from './report-data.ts';
import type { TextOf } from './texts.ts';

/** The wrong answers that the model was surest of, surest first. */
export async function readMistakes(
  folders: { readonly predictions: string; readonly labels: string },
  classNames: readonly string[],
  textOf: TextOf,
): Promise<Mistake[]> {
  const gold = (await readGoldOfRows(folders.labels)).ofRows;
  const predictions = await readPredictions(folders.predictions, 'test');
  const nameOf = (classId: number) => classNames[classId] ?? String(classId);
  const keys = rowKeys(predictions);
  const wrong = predictions.exampleIds.flatMap((exampleId, row) => {
    const goldId = gold.get(keys[row] ?? '');
    const predictedId = predictions.predictedIds[row] ?? -1;
    if (goldId === undefined || goldId === predictedId) return [];
    const confidence = predictions.confidence[row] ?? 0;
    const word = predictions.positions?.[row];
    return [{ exampleId, word, gold: nameOf(goldId), predicted: nameOf(predictedId), confidence }];
  });
  wrong.sort((a, b) => b.confidence - a.confidence || (a.exampleId < b.exampleId ? -1 : 1));
  return wrong.slice(0, MOST_MISTAKES).map(({ word, ...mistake }) => ({
    ...mistake,
    ...placeOf(word, textOf(mistake.exampleId), mistake),
  }));
}

/** A word is named by its number: how its text is cut into words is not stored. */
function placeOf(
  word: number | undefined,
  text: string | null,
  { exampleId }: { readonly exampleId: string },
): Pick<Mistake, 'text' | 'exampleId'> {
  if (word === undefined) return { text, exampleId };
  const place = `word ${word + 1} of `;
  return { text: text === null ? null : `${place}${text}`, exampleId: `${place}${exampleId}` };
}

const MOST_MISTAKES = 8;
