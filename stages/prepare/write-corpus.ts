import { writeClasses } from '#datasets/classes.ts';
import { SPLITS } from '#datasets/example.ts';
import { writeExamples } from '#datasets/examples.ts';
import { writeLabels } from '#datasets/labels.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { CutCorpus } from './cut-corpus.ts';
import { writeRejects } from './write-rejects.ts';

/** Writes examples and labels of each split, the class list and the rejects. */
export async function writeCorpus(
  context: StageContext<unknown>,
  { splits, rejects }: CutCorpus,
  classNames: readonly string[],
): Promise<void> {
  for (const split of SPLITS) {
    await writeExamples(outputOf(context, `inputs/${split}`), splits[split].examples);
    await writeLabels(outputOf(context, `labels/${split}`), splits[split].labels);
  }
  await writeClasses(outputOf(context, 'classes'), classNames);
  await writeRejects(outputOf(context, 'rejects'), rejects);
}
