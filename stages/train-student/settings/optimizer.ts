import { z } from 'zod';

/** Settings of the optimiser beside learning rate and decay. */
export const optimizerSettings = {
  optimizer: z
    .enum(['adamw', 'sgd', 'rmsprop'])
    .optional()
    .describe(
      'adamw (default), sgd with momentum, or rmsprop, as in PyTorch; the last two need a learningRate.',
    ),
  momentum: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe('Of optimizer: sgd, share of its velocity that a step keeps. Default: 0.9.'),
  nesterov: z
    .boolean()
    .optional()
    .describe("Of optimizer: sgd, Nesterov's momentum. Default: false."),
  accumulate: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Parts in which the rows of a step are computed, for batches that do not fit into memory; must divide batchSize. Default: 1.',
    ),
  averageWeights: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      'Share of its past that a moving average of the weights keeps in a step, such as 0.999: the average is validated and becomes the student. Left out: no average.',
    ),
  patience: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Ends the training after so many measurements on validation without a new best one. Left out: all steps are taken.',
    ),
};
