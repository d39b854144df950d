import { z } from 'zod';
import { TASKS } from '#datasets/task.ts';

/** Settings of `choose-student`. */
export const chooseStudentConfig = z.strictObject({
  candidates: z.array(z.string()).min(1).describe('Names of the students, in their order.'),
  task: z.enum(TASKS).optional().describe('What they answer. Default: classification.'),
});

export type ChooseStudentConfig = z.infer<typeof chooseStudentConfig>;
