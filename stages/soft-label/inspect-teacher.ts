import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { defineStage } from '#stages/stage.ts';
import { softLabelConfig } from './settings.ts';

/** One text to show a teacher: `rows.json` is a list of them. */
export const inspectedRowsSchema = z.array(
  z.object({
    text: z.string(),
    textPair: z.string().nullable(),
    /** Of a tagger: the sentence, and the number of the word that is asked about. */
    words: z.array(z.string()).optional(),
    word: z.int().optional(),
    /** Tensors of the row by model input, values row-major. */
    features: z.record(z.string(), z.array(z.number())).optional(),
  }),
);

/** What `inspection.json` says. */
export const inspectionSchema = z.object({
  provider: z.string(),
  runtime: z.string(),
  /** Rows that were cut at maxLength. */
  truncated: z.int(),
  /** All numbers lie in [0, 1] and, where one class is right, each row adds up to 1: no logits. */
  looksLikeProbabilities: z.boolean(),
  /**
   * One for each row, in their order: the best class and its probability; of regression its value. Of a language
   * model for each text that is long enough to be asked.
   */
  predictions: z.array(
    z.object({
      classId: z.int(),
      probability: z.number(),
      /** Of tasks without one class: all logits, or numbers. */
      values: z.array(z.number()).optional(),
      /** Of a language model: the text around the place that is asked for, what stands there, and what it says. */
      place: z
        .object({ text: z.string(), goldId: z.int(), gold: z.string(), says: z.string() })
        .optional(),
    }),
  ),
});

export type Inspection = z.infer<typeof inspectionSchema>;

/** The teacher gives something that is no number. */
export class NotANumberError extends Failure {
  constructor(text: string) {
    super(
      'model',
      'E_TEACHER_NUMBERS',
      `the teacher's logits for "${text.slice(0, 60)}" are not all finite numbers`,
      'export it in float32; an fp16 model may overflow',
    );
  }
}

const { output, device, deviceId, threads } = softLabelConfig.shape;
const configSchema = z.strictObject({
  task: softLabelConfig.shape.task,
  classCount: z.int().min(1).describe('Classes that the teacher should have.'),
  maxLength: z.int().min(1).describe('Tokens at which a text is cut.'),
  maskId: z
    .int()
    .min(0)
    .optional()
    .describe('Of a masked language model: the token that hides another.'),
  shapes: z
    .record(z.string(), z.array(z.int().positive().nullable()))
    .optional()
    .describe('Of rows with tensors: the axes of each, null where rows differ.'),
  output,
  device,
  deviceId,
  threads,
});

export type InspectConfig = z.infer<typeof configSchema>;

/** Shows a teacher a few texts, before it is used for anything. */
export const inspectTeacher = defineStage({
  name: 'inspect-teacher',
  version: 1,
  configSchema,
  speedKnobs: [],
  outputs: { inspection: { formatVersion: 1 } },

  async *run(context) {
    const { runInspectTeacher } = await import('./run-inspect-teacher.ts');
    yield* runInspectTeacher(context);
  },
});
