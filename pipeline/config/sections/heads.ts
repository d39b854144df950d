import { z } from 'zod';
import { HEAD_TASKS } from '#datasets/task.ts';
import { checkSource, teacherFields } from '#pipeline/teachers/teacher-settings.ts';
import { corpusSection } from './corpus.ts';
import { modelName } from './model-name.ts';

const headName = modelName.refine((name) => name !== 'main', '"main" is the first task');

/** `heads`: further tasks of the students, by name. */
export const headsSection = z
  .record(
    headName,
    z.strictObject({
      task: z
        .enum(HEAD_TASKS)
        .optional()
        .describe('What its teacher answers about a text. Default: classification.'),
      corpus: corpusSection.describe('Rows of this task: all that corpus may say.'),
      teacher: z
        .strictObject({
          ...teacherFields,
          model: teacherFields.model.describe(
            'Of a head, as teacher.model; with the same tokenizer, as all heads read through one encoder.',
          ),
        })
        .superRefine(checkSource)
        .describe('Who is asked once about the texts of this task.'),
      weight: z
        .number()
        .positive()
        .optional()
        .describe(
          'Factor of the loss of this task, and of its validation score in the choice of the weights; those of the first task count 1. Default: 1.',
        ),
    }),
  )
  .optional()
  .describe(
    'Further tasks by name, each with a corpus and a teacher of its own: students answer corpus and all of these with one encoder and a head each.',
  );
