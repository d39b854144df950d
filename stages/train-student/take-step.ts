import type { StepResult } from '#stages/tensorflow/step-program.ts';
import { stepOverBatch } from './batches/batch-parts.ts';
import type { Batch } from './batches/batches.ts';
import { learningRateAt } from './schedule.ts';
import { valueAt } from './settings/schedules.ts';
import type { Training } from './training.ts';

/** One step over a batch, with what the schedules have for it; the loss of a further head counts by its weight. */
export function takeStep(
  training: Pick<Training, 'stepper' | 'settings' | 'layout' | 'heads'>,
  step: number,
  batch: Batch,
): StepResult {
  const { settings, heads } = training;
  const { temperature, softLossWeight, hardLossWeight, steps, seed } = settings;
  const { stepper, layout, weight } = heads?.[batch.head ?? 0] ?? { ...training, weight: 1 };
  return stepOverBatch(stepper, batch, {
    layout,
    scalars: {
      ...settings,
      temperature: valueAt(temperature, step, steps),
      softLossWeight: weight * valueAt(softLossWeight, step, steps),
      hardLossWeight: weight * valueAt(hardLossWeight, step, steps),
    },
    seed,
    step,
    learningRate: learningRateAt(step, settings),
  });
}
