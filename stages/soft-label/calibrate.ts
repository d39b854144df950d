import { z } from 'zod';
import { defineStage } from '#stages/stage.ts';
import { softLabelConfig } from './settings.ts';

const calibrateConfig = softLabelConfig.safeExtend({
  seconds: z.number().positive().default(30).describe('How long the teacher is timed.'),
});

export type CalibrateConfig = z.infer<typeof calibrateConfig>;

/** What one timed batch took. */
const timedBatch = z.strictObject({ paddedTokens: z.int(), ms: z.number() });

/** calibration.json: how fast the teacher is here, and how large its answers are on the disk. */
export const calibrationSchema = z.strictObject({
  formatVersion: z.literal(2),
  provider: z.string(),
  runtime: z.string(),
  /** How the teacher wants its batches. */
  shape: z.strictObject({
    exactLengths: z.boolean(),
    fixedRows: z.int().optional(),
    fixedLength: z.int().optional(),
    rounding: z.enum(['fours', 'sixteenths']),
  }),
  batches: z.array(timedBatch).min(1),
  /** Of a row of the corpus, with all of its answers. */
  bytesPerRow: z.number(),
  /** The most memory that this process held, the largest batch of the corpus among what it ran. */
  peakMemoryBytes: z.int(),
});

export type Calibration = z.infer<typeof calibrationSchema>;

/** Times the real teacher on batches from all over the corpus; nothing of what it says is kept. */
export const calibrate = defineStage({
  name: 'calibrate',
  version: 2,
  configSchema: calibrateConfig,
  speedKnobs: [],
  outputs: { calibration: { formatVersion: 2, volatile: ['calibration.json', 'sample.parquet'] } },

  async *run(context) {
    const { runCalibrate } = await import('./run-calibrate.ts');
    yield* runCalibrate(context);
  },
});
