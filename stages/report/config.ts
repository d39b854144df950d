import { z } from 'zod';

/** Settings of the report; the command line fills in the last four. */
export const reportConfig = z.strictObject({
  title: z.string().min(1).default('Distillation report').describe('Heading of the page.'),
  texts: z
    .enum(['none', 'masked', 'full'])
    .default('none')
    .describe(
      'Whether texts of the corpus are shown. none: example ids only; masked: letters as x, digits as 0.',
    ),
  teachers: z.array(z.string()).optional().describe('Further teachers, in their order.'),
  heads: z
    .array(z.string())
    .optional()
    .describe('Further tasks of the students, each with test rows of its own.'),
  variants: z.array(z.string()).default([]).describe('Order of the students.'),
  exported: z
    .string()
    .optional()
    .describe('Student that the first sentence is about. Default: the last one.'),
  licenses: z
    .array(z.strictObject({ of: z.string(), license: z.string() }))
    .optional()
    .describe('Licences of the teachers, by name, and of the corpus.'),
  baseline: z
    .string()
    .optional()
    .describe('Student that no teacher reaches: the gain is measured against it.'),
  resolvedConfig: z.string().default('').describe('The whole configuration, as YAML.'),
  command: z.string().default('npx decant run').describe('What to type to get this page again.'),
});

/** Settings of the report after the defaults. */
export type ReportConfig = z.infer<typeof reportConfig>;
