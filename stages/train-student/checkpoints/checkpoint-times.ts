import { DEFAULT_CHECKPOINT_MINUTES } from '#stages/train-student/settings/checkpoints.ts';

/** How often a training writes a checkpoint. */
export interface CheckpointRate {
  readonly checkpointEvery: number;
  readonly checkpointMinutes?: number | undefined;
  readonly steps: number;
}

/**
 * Tells after each step whether to write a checkpoint: every so many steps, after so many minutes without
 * one, and after the last step. `now` is in milliseconds.
 */
export function checkpointTimes(
  { checkpointEvery, checkpointMinutes = DEFAULT_CHECKPOINT_MINUTES, steps }: CheckpointRate,
  now: () => number,
): (step: number) => boolean {
  let last = now();
  return (step) => {
    const isTime = now() - last >= checkpointMinutes * MS_PER_MINUTE;
    const isDue = step > 0 && (isTime || step % checkpointEvery === 0 || step === steps);
    if (isDue) last = now();
    return isDue;
  };
}

const MS_PER_MINUTE = 60_000;
