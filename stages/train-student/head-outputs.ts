import { join } from 'node:path';
import { writeProbe } from '#datasets/probe.ts';
import { headFolder } from '#stages/students/task-heads.ts';
import type { HeadTraining } from './head-setup.ts';
import { type PredictedSplit, probeOf, writeSplitPredictions } from './outputs.ts';
import { predictRows } from './predict-rows.ts';

/** Writes what a further head says of its rows: `heads/NAME/probe.json`, and predictions in a folder of its own. */
export async function writeHeadAnswers(
  folders: { readonly student: string; readonly predictions: string },
  head: HeadTraining,
  signal: AbortSignal,
): Promise<void> {
  const { name, inputs, stepper, layout, buckets, classCount } = head;
  const forward = { ...layout, buckets, classCount, signal };
  const predict = async (split: 'train' | 'validation'): Promise<PredictedSplit> => {
    const tokens = split === 'train' ? inputs.train : inputs.validation.tokens;
    return { split, tokens, classCount, logits: await predictRows(stepper, { tokens }, forward) };
  };
  const splits = [await predict('validation'), await predict('train')];
  await writeProbe(join(folders.student, headFolder(name)), probeOf(splits));
  for (const split of splits) {
    await writeSplitPredictions(join(folders.predictions, headFolder(name)), split, undefined);
  }
}
