import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { readClasses } from '#datasets/classes.ts';
import type { Split, StoredExample } from '#datasets/example.ts';
import { readExamples } from '#datasets/examples.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { readLabels } from '#datasets/labels.ts';
import { hasTokenLabels } from '#datasets/tokens/token-labels.ts';

/** One split as prepare left it. */
export interface CorpusSplit {
  readonly examples: ReadonlyMap<string, StoredExample>;
  /** Class of each labelled example. */
  readonly gold: ReadonlyMap<string, number>;
  readonly classNames: readonly string[];
  /** False where `privacy.storeTexts` is false. */
  readonly hasTexts: boolean;
}

/** These commands look at one label a row. */
export class LabelsOfWordsError extends Failure {
  constructor() {
    super(
      'usage',
      'E_LABELS_TASK',
      'the labels of token-classification are those of words: `decant labels` looks at one label a row',
      'look for words with: decant cache sql "select * from soft_labels where top_label <> gold_label and confidence > 0.9"',
    );
  }
}

/** Reads a split of a prepare artifact. */
export async function readCorpusSplit(
  { folder }: Pick<Artifact, 'folder'>,
  split: Split,
): Promise<CorpusSplit> {
  const labels = outputFolder(folder, `labels/${split}`);
  if (hasTokenLabels(labels)) throw new LabelsOfWordsError();
  const examples = await readExamples(outputFolder(folder, `inputs/${split}`));
  return {
    examples: new Map(examples.map((example) => [example.exampleId, example])),
    gold: goldClasses(await readLabels(labels)),
    classNames: await readClasses(outputFolder(folder, 'classes')),
    hasTexts: examples.every(({ text }) => text !== null),
  };
}

/** What to say where people would look for texts and find none. */
export function textNotes({ hasTexts }: CorpusSplit): string[] {
  return hasTexts
    ? []
    : ['the store keeps no texts (privacy.storeTexts: false): find the rows by their ids'];
}
