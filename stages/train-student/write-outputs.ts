import { writeInitialisation } from '#datasets/initialisation.ts';
import { writePredictions } from '#datasets/predictions.ts';
import { writeProbe } from '#datasets/probe.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { writeHeadAnswers } from './heads/head-outputs.ts';
import type { Heads, HeadTraining } from './heads/head-setup.ts';
import { tokenPredictions, tokenProbe } from './language/language-outputs.ts';
import { predictTokens } from './language/language-predictions.ts';
import { probeOf, type TrainedStudent, writeSplitPredictions, writeStudent } from './outputs.ts';
import { type PredictedRows, predictRows } from './predict-rows.ts';
import type { TrainStudentConfig } from './settings.ts';
import type { StudentSetup } from './student-setup.ts';
import type { Trained } from './training.ts';

/** A student whose stepper holds the weights that are kept. */
export interface FinishedTraining {
  readonly student: StudentSetup;
  readonly heads: Heads<HeadTraining>;
  readonly stepper: Stepper;
}

/** The student with these weights, and the classes of all its heads. */
export function trainedStudent(
  { config: { task } }: StageContext<TrainStudentConfig>,
  { student, heads: [first, ...further] }: Pick<FinishedTraining, 'student' | 'heads'>,
  weights: Float32Array,
): TrainedStudent {
  const { architecture, shape } = student;
  const { classNames } = first.inputs;
  const heads = Object.fromEntries(
    further.map(({ name, task: own, inputs: { classNames: labels } }) => [
      name,
      { task: own, classNames: labels },
    ]),
  );
  return { architecture, shape, weights, classNames, task, heads };
}

/** Writes everything but the log: weights, graph, tokenizer, probe and the answers to all rows. */
export async function* writeOutputs(
  context: StageContext<TrainStudentConfig>,
  { student, heads, stepper }: FinishedTraining,
  { weights, step }: Trained,
): AsyncGenerator<StageEvent, void, void> {
  const { shape, layout, buckets, initialisation } = student;
  const [{ inputs }, ...further] = heads;
  const { train, validation, features } = inputs;
  const { classCount } = shape;
  const forward = { ...layout, buckets, classCount, signal: context.signal };
  const folder = outputOf(context, 'student');
  const { task } = context.config;
  const tokenizer = inputOf(context, 'tokenizer/student');
  await writeStudent(folder, trainedStudent(context, { student, heads }, weights), tokenizer);
  if (initialisation !== undefined) await writeInitialisation(folder, initialisation);
  yield { type: 'note', message: `the student has the weights of step ${step}` };
  const predictions = outputOf(context, 'predictions');
  const { answersPerBatch } = layout;
  if (answersPerBatch !== undefined) {
    const { tokens } = validation;
    const scores = await predictTokens(stepper, tokens, { ...forward, answersPerBatch });
    await writeProbe(folder, tokenProbe(tokens, scores, classCount));
    await writePredictions(predictions, 'validation', tokenPredictions(tokens, scores));
    return;
  }
  const predict = (rows: PredictedRows) => predictRows(stepper, rows, forward);
  const answering = { classCount, task, predict };
  const splits = {
    validation: { tokens: validation.tokens, features: features?.validation },
    train: { tokens: train, features: features?.train },
  };
  await writeProbe(folder, await probeOf(Object.values(splits), answering));
  for (const split of ['validation', 'train'] as const) {
    await writeSplitPredictions(predictions, split, splits[split], answering);
  }
  for (const head of further) {
    await writeHeadAnswers({ student: folder, predictions }, head, context.signal);
  }
}
