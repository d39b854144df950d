import { z } from 'zod';

/** Settings of what a killed training goes on from; none of them changes the student. */
export const checkpointSettings = {
  checkpointMinutes: z
    .number()
    .min(0)
    .optional()
    .describe(
      'A checkpoint is written after so many minutes too, however few steps they were. Default: 10.',
    ),
  keepCheckpoints: z
    .int()
    .min(1)
    .optional()
    .describe(
      'How many of the newest checkpoints lie on the disk; where one is damaged, the one before it serves. Default: 2.',
    ),
};

export const DEFAULT_CHECKPOINT_MINUTES = 10;
export const DEFAULT_KEPT_CHECKPOINTS = 2;
