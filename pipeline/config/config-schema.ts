import { z } from 'zod';
import { isLanguageModel, TASKS } from '#datasets/task.ts';
import { prepareConfigSchema } from '#stages/prepare/config.ts';
import { softLabelConfig } from '#stages/soft-label/settings.ts';
import { corpusSection } from './sections/corpus.ts';
import { headsSection } from './sections/heads.ts';
import {
  evaluateSection,
  exportSection,
  gateSection,
  hardRelabelSection,
  reportSection,
} from './sections/results.ts';
import { studentSection, variantsSection } from './sections/students.ts';
import { sweepSection } from './sections/sweep.ts';
import { softLabelSection, teacherSection, teachersSection } from './sections/teachers.ts';

const fingerprint = z
  .string()
  .regex(/^[0-9a-f]{8,64}$/, 'write at least 8 hex digits of a fingerprint, in quotes');

/** The sections of decant.yaml. Each stage owns the meaning of its settings; this says where they stand. */
const sections = z.strictObject({
  task: z
    .enum(TASKS)
    .default('classification')
    .describe(
      'What the teacher answers: one class of a text, several, numbers, a class a word, or a token.',
    ),
  corpus: corpusSection,
  device: z
    .string()
    .regex(/^(auto|cpu|cuda(:\d{1,2})?)$/, 'is auto, cpu, cuda, or cuda:N for the GPU number N')
    .default('auto')
    .describe(
      'auto, cpu, cuda or cuda:N for the GPU number N. auto takes CUDA where it works and says so; cuda is never replaced silently.',
    ),
  strict: softLabelConfig.shape.strict,
  threads: z.int().min(1).optional().describe('Threads of a model run. Default: all cores.'),
  seed: z
    .int()
    .min(0)
    .default(1)
    .describe('Decides splits by fraction and, where a variant sets none, its training.'),
  teacher: teacherSection,
  teachers: teachersSection,
  heads: headsSection,
  augmentations: prepareConfigSchema.shape.augmentations,
  'soft-label': softLabelSection,
  student: studentSection,
  variants: variantsSection,
  'hard-relabel': hardRelabelSection,
  evaluate: evaluateSection,
  export: exportSection,
  privacy: z
    .strictObject({
      storeTexts: z
        .boolean()
        .default(true)
        .describe(
          'false: the store keeps tokens, ids and labels of the rows, but none of their texts; what shows texts says so instead.',
        ),
    })
    .prefault({})
    .describe('What of the corpus may lie in the store.'),
  report: reportSection,
  sweep: sweepSection.optional(),
  gate: gateSection,
  pinned: z
    .record(
      z.string(),
      fingerprint.describe(
        'Artifact of this stage to use as it is, fresh or not: its fingerprint.',
      ),
    )
    .optional()
    .describe('Artifacts to use as they are, by stage: soft-label: 3f9a0c12b7de4415.'),
});

/** The whole of decant.yaml. */
export const decantConfigSchema = sections.refine(
  ({ task, variants }) => isLanguageModel(task) || Object.keys(variants).length > 0,
  { path: ['variants'], message: 'name at least one variant' },
);

/** decant.yaml, checked and with all defaults. */
export type DecantConfig = z.infer<typeof decantConfigSchema>;
