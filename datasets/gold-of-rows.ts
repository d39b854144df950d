import { goldClasses } from './gold-classes.ts';
import { readLabels } from './labels.ts';
import { goldOfAnswers } from './tagged-sentences.ts';
import { hasTargets, readTargets } from './targets.ts';
import { hasTokenLabels, labelsByExample, readTokenLabels } from './tokens/token-labels.ts';

/** Gold labels of a split, whatever its task. */
export interface GoldOfRows {
  /** Class of each labelled row, by its key: the example id, or `answerKey` where a row is a word. */
  readonly ofRows: ReadonlyMap<string, number>;
  /** Of token classification: the class of each word of each labelled example. */
  readonly ofWords?: ReadonlyMap<string, Int32Array>;
}

/** Reads the labels of a split: the folder tells by its files whether they are of texts or of words. */
export async function readGoldOfRows(folder: string): Promise<GoldOfRows> {
  if (!hasTokenLabels(folder)) return { ofRows: goldClasses(await readLabels(folder)) };
  const ofWords = labelsByExample(await readTokenLabels(folder));
  return { ofRows: goldOfAnswers(ofWords), ofWords };
}

/** Ids of the examples with a label, or with a labelled word. */
export async function labelledExamples(folder: string): Promise<Set<string>> {
  return new Set((await labelRowsIn(folder)).map(({ exampleId }) => exampleId));
}

async function labelRowsIn(folder: string): Promise<readonly { readonly exampleId: string }[]> {
  if (hasTokenLabels(folder)) return readTokenLabels(folder);
  return hasTargets(folder) ? readTargets(folder) : readLabels(folder);
}
