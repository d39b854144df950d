import { z } from 'zod';
import { defineStage } from '#stages/stage.ts';

const configSchema = z.strictObject({
  name: z.string().min(1).describe('The variant whose students are put together.'),
  students: z
    .array(z.string())
    .min(2)
    .describe('Names of its students, one a seed, the exported one first.'),
});

export type SeedSpreadConfig = z.infer<typeof configSchema>;

/** Mean and spread of the figures of students that differ in their seed alone. */
export const seedSpread = defineStage<SeedSpreadConfig>({
  name: 'seed-spread',
  version: 1,
  configSchema,
  speedKnobs: [],
  outputs: { spread: { formatVersion: 1 } },

  async *run(context) {
    const { runSeedSpread } = await import('./run.ts');
    yield* runSeedSpread(context);
  },
});
