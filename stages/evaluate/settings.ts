import { z } from 'zod';
import { TASKS } from '#datasets/task.ts';

/** Settings of `evaluate`. */
export const evaluateConfig = z.strictObject({
  subject: z.enum(['teacher', 'student']).describe('What is evaluated.'),
  name: z.string().min(1).describe('Name of it in tables: teacher, or the variant.'),
  task: z.enum(TASKS).optional().describe('What it answers. Default: classification.'),
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
  latencyRuns: z
    .int()
    .min(1)
    .default(50)
    .describe('Test rows that are run one by one to time them.'),
});

export type EvaluateConfig = z.infer<typeof evaluateConfig>;
