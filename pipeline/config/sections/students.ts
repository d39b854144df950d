import { z } from 'zod';
import { prepareConfigSchema } from '#stages/prepare/config.ts';
import { trainStudentConfig } from '#stages/train-student/settings.ts';
import { modelName } from './model-name.ts';
import { partOf, without } from './part-of.ts';

const { architecture, ...trainingPart } = partOf(
  without(trainStudentConfig.shape, [
    'task',
    'taskHeads',
    'device',
    'deviceId',
    'teacherWeights',
    'unanswered',
    'leftOutFold',
  ]),
);
const studentPart = {
  architecture: z
    .enum([...architecture.unwrap().options, 'auto'])
    .optional()
    .describe(
      `${architecture.description} auto trains those that fit the rows (of texts bag, textcnn and modernbert) and takes the smallest file within half a point, or a standard error, of the best on validation.`,
    ),
  ...trainingPart,
  seeds: z
    .array(z.int().min(0))
    .min(2)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'seeds must differ')
    .optional()
    .describe(
      'Several seeds in place of seed: a student each, whose figures become mean and spread in tables, report and gate. The one of the first seed goes by the name of the variant and is what is exported and started from; the others are NAME.seedN.',
    ),
};

/** `student`: what all variants share. */
export const studentSection = z
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
  .describe('What all variants share.');

/** What one variant may say. */
export const variantSettings = z.strictObject({
  ...studentPart,
  initFrom: z.string().optional().describe('Variant whose student this one starts from.'),
  teachers: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('Teachers to learn from: teacher, or names of teachers. Default: all.'),
  views: z
    .union([z.boolean(), trainStudentConfig.shape.views.unwrap()])
    .optional()
    .describe(
      'false learns from no views that augmentations make; else how: see student.views. Default: true.',
    ),
  labels: z
    .literal('hard-relabel')
    .optional()
    .describe('Also learn from the labels that hard-relabel gives.'),
});

/** `variants`: students, by name. */
export const variantsSection = z
  .record(modelName, variantSettings)
  .default({})
  .describe(
    'Students to train from the one cache, by name; a language model may have none: the cache is its result then.',
  );
