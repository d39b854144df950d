import { z } from 'zod';

/** Settings of the students that convolve: textcnn over tokens, cnn over tensors. */
export const convolutionFields = {
  kernelWidths: z
    .array(z.int().min(1).max(64))
    .min(1)
    .optional()
    .describe(
      'Of textcnn: how many neighbouring tokens its filters see, one group of filters each. Default: [1, 2, 3].',
    ),
  filters: z
    .int()
    .min(1)
    .optional()
    .describe('Of textcnn: filters of each width. Default: hiddenSize.'),
  kernelSize: z
    .int()
    .min(1)
    .max(31)
    .refine((size) => size % 2 === 1, 'must be odd, so that a filter has a middle')
    .optional()
    .describe('Of cnn: side of its filters, odd. Default: 3.'),
  poolGrid: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'Of cnn: what the last block leaves is averaged over a grid of this many parts a side; 1 is one mean over all places, which forgets where something stood. Default: 4.',
    ),
  channels: z
    .enum(['first', 'last'])
    .optional()
    .describe('Of cnn: which axis of an image holds its channels. Default: last.'),
};
