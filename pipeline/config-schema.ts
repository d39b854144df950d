import { z } from 'zod';
import { isLanguageModel, TASKS } from '#datasets/task.ts';
import { prepareConfigSchema } from '#stages/prepare/config.ts';
import { softLabelConfig } from '#stages/soft-label/settings.ts';
import { trainStudentConfig } from '#stages/train-student/settings.ts';
import { checkSource, teacherFields } from './teacher-settings.ts';

const fileOrFiles = z.union([z.string(), z.array(z.string()).min(1).readonly()]);
const fingerprint = z
  .string()
  .regex(/^[0-9a-f]{8,64}$/, 'write at least 8 hex digits of a fingerprint, in quotes');
/** Of a variant or of a further teacher: they share the names of what `evaluate` measures. */
const modelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'use letters, digits, "-" and "_", at most 64')
  .refine((name) => name !== 'teacher', '"teacher" is taken');
const weight = z
  .number()
  .positive()
  .optional()
  .describe('How much it counts where several teachers are mixed. Default: 1.');

type Bare<Field> = Field extends z.ZodDefault<infer Inner> ? Inner : Field;
type PartOf<Shape> = { readonly [Key in keyof Shape]: z.ZodOptional<Bare<Shape[Key]> & z.ZodType> };

/**
 * The fields of a stage's schema, each optional and without its default: what one section may say of
 * them. The sections are merged first and the stage's own schema fills in the rest.
 */
function partOf<Shape extends z.ZodRawShape>(shape: Shape): PartOf<Shape> {
  const fields = Object.entries(shape).map(([key, field]) => {
    const described = field as z.ZodType;
    const bare = described instanceof z.ZodDefault ? (described.unwrap() as z.ZodType) : described;
    return [key, bare.optional().describe(described.description ?? '')];
  });
  return Object.fromEntries(fields) as PartOf<Shape>;
}

function without<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Omit<T, K> {
  const kept = Object.entries(value).filter(([key]) => !keys.some((other) => other === key));
  return Object.fromEntries(kept) as Omit<T, K>;
}

const studentPart = partOf(
  without(trainStudentConfig.shape, ['task', 'device', 'deviceId', 'teacherWeights', 'unanswered']),
);

/** The sections of decant.yaml. Each stage owns the meaning of its settings; this says where they stand. */
const sections = z.strictObject({
  task: z
    .enum(TASKS)
    .default('classification')
    .describe(
      'What the teacher answers: one class of a text, several, numbers, a class a word, or a token.',
    ),
  corpus: z
    .strictObject({
      train: fileOrFiles.describe(
        'Rows to learn from; a row without a label takes part in the soft loss only.',
      ),
      validation: z
        .union([fileOrFiles, z.strictObject({ fraction: z.number().gt(0).lt(0.5) })])
        .describe(
          'Rows to choose by; or { fraction: 0.1 }: a share of train by hash, so growth moves no row.',
        ),
      test: fileOrFiles.describe('Rows to measure with; their labels are read by evaluate only.'),
      corrections: fileOrFiles
        .optional()
        .describe(
          'Files of labels that people corrected (columns example_id, corrected_label): what `decant labels review` wrote, filled in. The corpus itself stays as it is.',
        ),
      columns: prepareConfigSchema.shape.columns.describe(
        'Names of the columns (CSV) or keys (JSONL).',
      ),
      textUnit: prepareConfigSchema.shape.textUnit,
      maskShare: prepareConfigSchema.shape.maskShare,
      onConflict: prepareConfigSchema.shape.onConflict,
      leaks: prepareConfigSchema.shape.leaks,
      maxRejects: prepareConfigSchema.shape.maxRejects,
      classNames: prepareConfigSchema.shape.classNames,
      limit: prepareConfigSchema.shape.limit,
      separator: prepareConfigSchema.shape.separator,
      license: z
        .string()
        .optional()
        .describe('Licence of the texts: goes into manifest, card and report.'),
    })
    .describe('Where the rows are and how to read them.'),
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
  teacher: z
    .strictObject({
      ...teacherFields,
      tokenizer: z
        .string()
        .optional()
        .describe(
          'Of answers: the tokenizer.json, or a folder with one, that students read texts with; answers bring none.',
        ),
      maxLength: z
        .int()
        .min(2)
        .default(128)
        .describe('Longest input in tokens; longer ones are cut, counted and told.'),
      longTexts: prepareConfigSchema.shape.teacherLongTexts,
      windowOverlap: prepareConfigSchema.shape.windowOverlap,
      output: softLabelConfig.shape.output,
      weight,
    })
    .superRefine((teacher, context) => {
      checkSource(teacher, context);
      const { answers, tokenizer } = teacher;
      if ((answers === undefined) === (tokenizer === undefined)) return;
      const message =
        tokenizer === undefined
          ? 'answers bring no tokenizer: name the tokenizer.json, or the folder with one, that students shall read texts with'
          : 'belongs to answers: a model reads with the tokenizer.json beside it';
      context.addIssue({ code: 'custom', path: ['tokenizer'], message });
    })
    .describe('Who is asked once.'),
  teachers: z
    .record(
      modelName,
      z
        .strictObject({
          ...teacherFields,
          model: teacherFields.model.describe(
            'Of a further teacher, as teacher.model; the same tokenizer and classes (in any order), as it reads the same tokens.',
          ),
          weight,
        })
        .superRefine(checkSource),
    )
    .optional()
    .describe('Further teachers by name, each asked once; students learn from the mix of all.'),
  augmentations: prepareConfigSchema.shape.augmentations,
  'soft-label': z
    .strictObject(
      partOf(
        without(softLabelConfig.shape, [
          'task',
          'output',
          'device',
          'deviceId',
          'strict',
          'threads',
          'maxLength',
          'answers',
          'licenses',
        ]),
      ),
    )
    .default({})
    .describe('What of the teacher is kept.'),
  student: z
    .strictObject({
      ...studentPart,
      vocabulary: prepareConfigSchema.shape.studentVocabulary
        .unwrap()
        .optional()
        .describe(
          'Vocabulary of the student: the word pieces of the train split and the single characters of its scripts (trimmed, the default), or all of the teacher (full; language models have no other).',
        ),
      longTexts: prepareConfigSchema.shape.studentLongTexts,
    })
    .prefault({})
    .describe('What all variants share.'),
  variants: z
    .record(
      modelName,
      z.strictObject({
        ...studentPart,
        initFrom: z.string().optional().describe('Variant whose student this one starts from.'),
        teachers: z
          .array(z.string())
          .min(1)
          .optional()
          .describe('Teachers to learn from: teacher, or names of teachers. Default: all.'),
        views: z
          .boolean()
          .optional()
          .describe(
            'Also learn from the views that augmentations make, where there are soft labels. Default: true.',
          ),
        labels: z
          .literal('hard-relabel')
          .optional()
          .describe('Also learn from the labels that hard-relabel gives.'),
      }),
    )
    .default({})
    .describe('Students to train from the one cache, by name; a language model has none.'),
  'hard-relabel': z
    .strictObject({
      student: z.string().describe('Variant whose opinion is asked.'),
      policy: z
        .literal('fill-unlabelled')
        .default('fill-unlabelled')
        .describe('fill-unlabelled: only rows without gold get a label.'),
      minConfidence: z
        .number()
        .min(0)
        .max(1)
        .default(0.9)
        .describe('Calibrated confidence that teacher and student must both reach.'),
    })
    .optional()
    .describe('How hard labels are made; needed by variants with labels: hard-relabel.'),
  export: z
    .strictObject({
      variant: z
        .string()
        .optional()
        .describe('Variant to export. Default: the first one that learns from soft labels only.'),
    })
    .default({})
    .describe('What becomes a Hugging Face directory.'),
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
  report: z
    .strictObject({
      title: z.string().default('Distillation report').describe('Heading of report.html.'),
      texts: z
        .enum(['none', 'masked', 'full'])
        .default('none')
        .describe('Whether the report may show texts of the corpus.'),
    })
    .prefault({})
    .describe('The one page that is sent around.'),
  gate: z
    .record(
      z.string(),
      z
        .union([z.number(), z.record(z.string(), z.number())])
        .describe(
          'Least value of a figure of the exported student on the test split: accuracy, macroF1, entityF1 (token classification), agreement, accuracyVsTeacher, gainOverGoldOnly, recall.CLASS, precision.CLASS or f1.CLASS; of multi-label microF1, macroF1, meanAveragePrecision, subsetAccuracy; of regression pearson, spearman.',
        ),
    )
    .optional()
    .describe('What the exported student has to reach; below it `run` ends with 4.'),
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
