import { join } from 'node:path';
import { writeProbe } from '#datasets/probe.ts';
import { headFolder } from '#stages/students/task-heads.ts';
import { probeOf, writeSplitPredictions } from '#stages/train-student/outputs.ts';
import { type PredictedRows, predictRows } from '#stages/train-student/predict-rows.ts';
import type { HeadTraining } from './head-setup.ts';

/** Writes what a further head says of its rows: `heads/NAME/probe.json`, and predictions in a folder of its own. */
export async function writeHeadAnswers(
  folders: { readonly student: string; readonly predictions: string },
  head: HeadTraining,
  signal: AbortSignal,
): Promise<void> {
  const { name, task, inputs, stepper, layout, buckets, classCount } = head;
  const forward = { ...layout, buckets, classCount, signal };
  const predict = (rows: PredictedRows) => predictRows(stepper, rows, forward);
  const answering = { classCount, task, predict };
  const splits = {
    validation: { tokens: inputs.validation.tokens },
    train: { tokens: inputs.train },
  };
  const probe = await probeOf(Object.values(splits), answering);
  await writeProbe(join(folders.student, headFolder(name)), probe);
  const folder = join(folders.predictions, headFolder(name));
  for (const split of ['validation', 'train'] as const) {
    await writeSplitPredictions(folder, split, splits[split], answering);
  }
}
