import { z } from 'zod';
import { defineStage } from '#stages/stage.ts';
import { softLabelConfig } from './settings.ts';

/** What `check.json` says. */
export const teacherCheckSchema = z.object({
  rows: z.int(),
  /** Rows whose best class is another one now. */
  top1Differences: z.int(),
  /** |dp| over the kept classes and the rest, over every stored temperature. */
  maxDp: z.number(),
  /** Largest |dp| that the rounding of the cache alone can bring. */
  rounding: z.number(),
  meanDp: z.number(),
  cached: z.object({ provider: z.string(), runtime: z.string() }),
  teacher: z.object({ provider: z.string(), runtime: z.string() }),
  /** The rows that differ most, the worst first. */
  worst: z.array(
    z.object({
      split: z.string(),
      exampleId: z.string(),
      maxDp: z.number(),
      cachedClass: z.string(),
      teacherClass: z.string(),
    }),
  ),
});

export type TeacherCheck = z.infer<typeof teacherCheckSchema>;

const { task, device, deviceId, strict, threads, output, tokenBudget, gather } =
  softLabelConfig.shape;
const configSchema = z.strictObject({
  share: z.number().gt(0).lte(1).describe('Share of the cached rows that are asked again.'),
  seed: z.int().min(0).describe('Decides which rows.'),
  task,
  device,
  deviceId,
  strict,
  threads,
  output,
  tokenBudget,
  gather,
});

export type CheckConfig = z.infer<typeof configSchema>;

/** Asks the teacher again about some rows of a sealed cache and says how far the answers are apart. */
export const checkTeacher = defineStage({
  name: 'check-teacher',
  version: 1,
  configSchema,
  speedKnobs: [],
  outputs: { check: { formatVersion: 1 } },

  async *run(context) {
    const { runCheckTeacher } = await import('./run-check-teacher.ts');
    yield* runCheckTeacher(context);
  },
});
