import { z } from 'zod';
import { defineStage } from '#stages/stage.ts';

/** What `check.json` says. */
export const lossChecksSchema = z.array(
  z.object({ form: z.string(), name: z.string(), passed: z.boolean(), detail: z.string() }),
);

/** Tries a soft loss of the user's own, the file `softLoss`, on made-up soft labels of each form that it reads. */
export const checkLoss = defineStage({
  name: 'check-loss',
  version: 1,
  configSchema: z.strictObject({}),
  speedKnobs: [],
  outputs: { check: { formatVersion: 1 } },

  async *run(context) {
    const { runCheckLoss } = await import('#stages/train-student/run-check-loss.ts');
    yield* runCheckLoss(context);
  },
});
