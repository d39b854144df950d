import { z } from 'zod';

/** Settings of which rows an epoch has. */
export const rowSettings = {
  sampling: z
    .enum(['all', 'balanced'])
    .optional()
    .describe(
      'all: each row once an epoch (default). balanced: each class equally often, by its gold label or else by the class that the teacher gives it.',
    ),
  views: z
    .enum(['together', 'rotate'])
    .optional()
    .describe(
      'Of augmentations: an epoch has each row in all its forms (together, default), or in one of them and in another the next time (rotate).',
    ),
};
