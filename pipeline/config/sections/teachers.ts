import { z } from 'zod';
import {
  checkSource,
  hiddenOfFurther,
  teacherFields,
} from '#pipeline/teachers/teacher-settings.ts';
import { prepareConfigSchema } from '#stages/prepare/config.ts';
import { softLabelConfig } from '#stages/soft-label/settings.ts';
import { modelName } from './model-name.ts';
import { partOf, without } from './part-of.ts';

const weight = z
  .number()
  .positive()
  .optional()
  .describe('How much it counts where several teachers are mixed. Default: 1.');

/** `teacher`: who is asked once, and how long its inputs are. */
export const teacherSection = z
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
  .describe('Who is asked once.');

/** `teachers`: further ones, by name. */
export const teachersSection = z
  .record(
    modelName,
    z
      .strictObject({
        ...teacherFields,
        model: teacherFields.model.describe(
          'Of a further teacher, as teacher.model; the same tokenizer and classes (in any order), as it reads the same tokens.',
        ),
        hidden: hiddenOfFurther,
        weight,
      })
      .superRefine(checkSource),
  )
  .optional()
  .describe('Further teachers by name, each asked once; students learn from the mix of all.');

/** `soft-label`: what of their answers is kept. */
export const softLabelSection = z
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
  .describe('What of the teacher is kept.');
