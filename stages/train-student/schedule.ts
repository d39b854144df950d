import { type Scheduled, valueAt } from './settings/schedules.ts';

/** How the learning rate moves over the steps of a training. */
export interface Schedule {
  readonly schedule: 'linear' | 'cosine' | 'constant';
  /** The highest, or a schedule of its own in place of the other settings. */
  readonly learningRate: Scheduled;
  readonly steps: number;
  /** Share of the steps in which the rate rises from 0. */
  readonly warmup: number;
}

/** Learning rate of a step (counted from 0): a linear rise, then the chosen fall, to 0 after the last step. */
export function learningRateAt(step: number, schedule: Schedule): number {
  const { learningRate } = schedule;
  if (typeof learningRate !== 'number') return valueAt(learningRate, step, schedule.steps);
  const warmupSteps = Math.round(schedule.warmup * schedule.steps);
  // + 1, since a first step at rate 0 would be a wasted one.
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  const left = (schedule.steps - step) / Math.max(1, schedule.steps - warmupSteps);
  return learningRate * remaining(schedule.schedule, Math.max(0, left));
}

function remaining(kind: Schedule['schedule'], left: number): number {
  switch (kind) {
    case 'linear':
      return left;
    case 'cosine':
      return (1 - Math.cos(Math.PI * left)) / 2;
    case 'constant':
      return 1;
    default:
      return kind satisfies never;
  }
}
