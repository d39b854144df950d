import { z } from 'zod';
import { defineStage } from '#stages/stage.ts';

const configSchema = z.strictObject({
  name: z.string().min(1).describe('Variant that is exported.'),
  license: z.string().optional().describe('Licence of the student, for the head of its card.'),
  sources: z
    .strictObject({
      train: z.array(z.string()),
      validation: z.array(z.string()),
      test: z.array(z.string()),
      teachers: z.array(z.string()),
    })
    .optional()
    .describe('Names of the corpus files of each split and of the teachers, for the model card.'),
  teacherLicense: z.string().optional().describe('Licence of the teacher, for the model card.'),
  furtherLicenses: z
    .record(z.string(), z.string())
    .optional()
    .describe('Licences of further teachers by name, for the model card; empty where not stated.'),
  quantize: z
    .array(z.literal('int8'))
    .optional()
    .describe('Further ONNX files: int8 becomes onnx/model_quantized.onnx.'),
  startsFrom: z
    .string()
    .optional()
    .describe('Variant whose student this one started from, for the model card.'),
  textPairs: z
    .literal(true)
    .optional()
    .describe('The student reads pairs of texts: config.json says so.'),
  corpusLicense: z.string().optional().describe('Licence of the corpus, for the model card.'),
  heads: z
    .record(
      z.string(),
      z.strictObject({
        teacherLicense: z.string().optional(),
        corpusLicense: z.string().optional(),
      }),
    )
    .optional()
    .describe('Further tasks of the student, with their licences for the model card.'),
});

export type ExportConfig = z.infer<typeof configSchema>;

/** Makes the Hugging Face directory of a student, and proves that its ONNX graph is the trained student. */
export const exportStudent = defineStage<ExportConfig>({
  name: 'export-student',
  version: 6,
  configSchema,
  speedKnobs: [],
  outputs: { student: { formatVersion: 1 } },

  rehearsal: (config) => config,

  async *run(context) {
    const { runExportStudent } = await import('./run.ts');
    yield* runExportStudent(context);
  },
});
