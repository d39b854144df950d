import { writeClasses } from '#datasets/classes.ts';
import { withoutText } from '#datasets/corpus/reject.ts';
import { SPLITS } from '#datasets/example.ts';
import { withoutTexts, writeExamples } from '#datasets/examples.ts';
import { writeLabels } from '#datasets/labels.ts';
import { writeTokenLabels } from '#datasets/token-labels.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { PrepareConfig } from './config.ts';
import type { CutCorpus } from './cut-corpus.ts';
import { writeRejects } from './write-rejects.ts';

/** Writes examples and labels of each split, the class list and the rejects. */
export async function writeCorpus(
  context: StageContext<PrepareConfig>,
  { splits, rejects }: CutCorpus,
  classNames: readonly string[],
): Promise<void> {
  const storesTexts = context.config.storeTexts !== false;
  for (const split of SPLITS) {
    const { examples } = splits[split];
    const stored = storesTexts ? examples : examples.map(withoutTexts);
    await writeExamples(outputOf(context, `inputs/${split}`), stored);
    const { labels, tokenLabels } = splits[split];
    const folder = outputOf(context, `labels/${split}`);
    if (tokenLabels === undefined) await writeLabels(folder, labels);
    else await writeTokenLabels(folder, tokenLabels);
  }
  await writeClasses(outputOf(context, 'classes'), classNames);
  await writeRejects(
    outputOf(context, 'rejects'),
    storesTexts ? rejects : rejects.map(withoutText),
  );
}
