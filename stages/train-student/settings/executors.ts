import { z } from 'zod';

/** Settings of how a step is computed. */
export const executorSettings = {
  xla: z
    .union([z.boolean(), z.literal('if-possible')])
    .optional()
    .describe(
      'Compile the recorded step with XLA. true fails where it cannot be compiled, if-possible goes on without. Default: false.',
    ),
  precision: z
    .enum(['float32', 'bf16'])
    .optional()
    .describe(
      'Of matrix products and convolutions of a recorded step; weights, sums and the exported student are float32 either way. Default: float32.',
    ),
};
