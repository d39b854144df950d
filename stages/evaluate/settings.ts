import { z } from 'zod';
import { TASKS } from '#datasets/task.ts';
import { augmentationSchema } from '#stages/texts/augment-text.ts';

/** Settings of `evaluate`. */
export const evaluateConfig = z.strictObject({
  subject: z.enum(['teacher', 'student']).describe('What is evaluated.'),
  name: z.string().min(1).describe('Name of it in tables: teacher, or the variant.'),
  task: z.enum(TASKS).optional().describe('What it answers. Default: classification.'),
  head: z
    .string()
    .optional()
    .describe('Of a student with several tasks: the head that answers these rows.'),
  device: z
    .enum(['auto', 'cpu', 'cuda'])
    .default('cpu')
    .describe('Where it runs. Latency on CPU is what most students are deployed for.'),
  output: z
    .string()
    .optional()
    .describe('Of a teacher: its output with the logits. Default: logits, or else the first.'),
  deviceId: z.int().min(0).optional().describe('Of device: cuda, which of several GPUs.'),
  threads: z.int().min(1).optional().describe('Threads inside an operator. Default: all cores.'),
  quantize: z
    .literal('int8')
    .optional()
    .describe('Of a student: measure it with int8 weights, as its export has them.'),
  slices: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Columns of corpus.test by whose values the test rows are measured in parts, such as [language, channel]; of more than 20 numbers, by quarters of the rows.',
    ),
  robustness: z
    .record(z.string().regex(/^[\w-]+$/, 'is made of letters, digits, _ and -'), augmentationSchema)
    .optional()
    .describe(
      'Changed forms of the test texts that students are measured on too, by a name of yours: typos: { swapLetters: 0.2 }, drops: { dropWords: 0.2 }.',
    ),
  seed: z.int().min(0).optional().describe('Of robustness: decides which words are changed.'),
  latencyRuns: z
    .int()
    .min(1)
    .default(50)
    .describe('Test rows that are run one by one to time them.'),
});

export type EvaluateConfig = z.infer<typeof evaluateConfig>;
