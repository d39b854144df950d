import { z } from 'zod';

/** Settings of `fit-head`: where the encoder runs. */
export const fitHeadConfig = z.strictObject({
  device: z
    .enum(['auto', 'cpu', 'cuda'])
    .default('auto')
    .describe('Where the encoder runs; cuda never falls back to the CPU.'),
  deviceId: z.int().min(0).optional().describe('Which GPU. Default: 0.'),
  threads: z.int().positive().optional().describe('Threads of the encoder. Default: all cores.'),
});

export type FitHeadConfig = z.infer<typeof fitHeadConfig>;
