import { z } from 'zod';
import { defineStage } from '#stages/stage.ts';

const configSchema = z.strictObject({
  policy: z
    .literal('fill-unlabelled')
    .default('fill-unlabelled')
    .describe(
      'Which train rows get a hard label. fill-unlabelled: only rows without a gold label.',
    ),
  minConfidence: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe(
      'Accuracy that both the teacher and the student must have shown, on labelled validation rows, at the confidence that they state.',
    ),
});

export type HardRelabelConfig = z.infer<typeof configSchema>;

/** Gives hard labels to train rows without gold on which teacher and student agree. No model runs here. */
export const hardRelabel = defineStage<HardRelabelConfig>({
  name: 'hard-relabel',
  version: 1,
  configSchema,
  speedKnobs: [],
  outputs: { 'hard-labels': { formatVersion: 1 } },

  async *run(context) {
    const { runHardRelabel } = await import('./run.ts');
    yield* runHardRelabel(context);
  },
});
