import { z } from 'zod';
import { defineStage } from '#stages/stage.ts';

const configSchema = z.strictObject({
  seed: z.int().min(0).default(1).describe('Decides the rows and their labels.'),
});

export type ControlLabelsConfig = z.infer<typeof configSchema>;

/** As many labels as hard-relabel gave, at random: what a student gains from these is not relabelling. */
export const controlLabels = defineStage<ControlLabelsConfig>({
  name: 'control-labels',
  version: 1,
  configSchema,
  speedKnobs: [],
  outputs: { 'hard-labels': { formatVersion: 1 } },

  async *run(context) {
    const { runControlLabels } = await import('./run.ts');
    yield* runControlLabels(context);
  },
});
