import { z } from 'zod';
import { isPerToken, TASKS } from '#datasets/task.ts';
import { LONG_TEXTS } from '#datasets/tokens/long-texts.ts';
import { augmentationSchema } from '#stages/texts/augment-text.ts';

const column = z.string().min(1);
const tensor = z.union([
  column,
  z.array(column).min(1),
  z.strictObject({
    columns: z
      .union([column, z.array(column).min(1)])
      .describe(
        'A column with a number or a list, or a column a number; p* is all that begin with p.',
      ),
    shape: z
      .array(z.int().positive().nullable())
      .min(1)
      .optional()
      .describe('Axes of one row; null: as long as each row needs it. Default: one axis.'),
    scale: z
      .union([z.number(), z.string().regex(/^\d+(\.\d+)?\/\d+(\.\d+)?$/)])
      .optional()
      .describe('What every number is multiplied with, such as 1/255. Default: 1.'),
  }),
]);

const fields = z.strictObject({
  task: z.enum(TASKS).optional().describe('What is labelled. Default: classification.'),
  columns: z
    .strictObject({
      text: z
        .string()
        .min(1)
        .nullable()
        .default('text')
        .describe('Column of the text; null: the rows have no text, only tensors.'),
      label: z
        .union([column, z.array(column).min(1)])
        .default('label')
        .describe(
          'Column of the label; a row without a value there is unlabelled. Of multi-label and regression also a list of columns, one a class (0 or 1) or an output.',
        ),
      id: z
        .string()
        .min(1)
        .default('id')
        .describe('Column of your own row id, kept for people to find rows; may be absent.'),
      textPair: z
        .string()
        .min(1)
        .optional()
        .describe('Column of the second text, for tasks on pairs of texts.'),
      tensors: z
        .record(z.string(), tensor)
        .optional()
        .describe(
          'Numbers that the model reads, by the name of its input: a column, columns, or { columns, shape, scale }.',
        ),
      target: z
        .string()
        .min(1)
        .optional()
        .describe('Of task: sequence-to-sequence, column of the target text. Default: target.'),
      tokens: z
        .string()
        .min(1)
        .optional()
        .describe('Of token classification in JSONL, key of the list of words. Default: tokens.'),
      labels: z
        .string()
        .min(1)
        .optional()
        .describe('Of token classification in JSONL, key of the list of labels. Default: labels.'),
      wordColumn: z
        .int()
        .min(1)
        .optional()
        .describe('Of CoNLL files, the column of the word, from 1. Default: the first.'),
      tagColumn: z
        .int()
        .min(1)
        .optional()
        .describe('Of CoNLL files, the column of the label, from 1. Default: the last.'),
    })
    .prefault({})
    .describe('Names of the columns (or JSON keys) of the corpus files.'),
  textUnit: z
    .enum(['paragraph', 'block'])
    .optional()
    .describe(
      'Of language models, what is one example of a .txt file: a paragraph, that is the text between blank lines (default), or a block of whole words that fills teacher.maxLength.',
    ),
  maskShare: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      "Of task: masked-lm, share of the tokens that are hidden and asked for; 80 % of them become the mask token, 10 % a random one, 10 % stay (BERT's rule). Default: 0.15.",
    ),
  onConflict: z
    .enum(['majority', 'soft', 'reject'])
    .default('majority')
    .describe(
      'What to do with equal texts of different labels: keep the most frequent one (on a tie the first), keep all by their share, or leave the rows out.',
    ),
  leaks: z
    .enum(['near', 'exact'])
    .default('near')
    .describe(
      'Which train rows are left out because validation or test has their text: near looks past letter case, punctuation and spacing, exact does not.',
    ),
  validationFraction: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      'Share of the labelled train rows that becomes the validation split, for a corpus without validation files; a growing corpus moves no row.',
    ),
  seed: z.int().min(0).default(1).describe('Decides which rows validationFraction takes.'),
  teacherMaxLength: z
    .int()
    .min(4)
    .default(128)
    .describe('Tokens of a text that the teacher sees; longer texts are cut and counted.'),
  teacherLongTexts: z
    .enum(LONG_TEXTS)
    .optional()
    .describe(
      'What the teacher sees of a text that is longer than maxLength: its beginning (truncate, the default), its first quarter and its end (head-tail), all of it part by part (windows, whose answers are averaged), or nothing, as the row is left out (reject).',
    ),
  windowOverlap: z
    .number()
    .min(0)
    .max(0.9)
    .optional()
    .describe(
      'Of longTexts: windows, the least share of its tokens that a window has in common with the next: what is no longer than that stands whole in one of them. Default: 0.25, which costs a third more than none.',
    ),
  studentLongTexts: z
    .enum(['truncate', 'head-tail'])
    .optional()
    .describe(
      'What the student sees of a text that is longer than its maxLength: its beginning (truncate, the default) or its first quarter and its end (head-tail, which other programs than decant must be told to do).',
    ),
  studentMaxLength: z
    .int()
    .min(4)
    .default(128)
    .describe('Tokens of a text that the student sees; longer texts are cut and counted.'),
  studentVocabulary: z
    .enum(['trimmed', 'full'])
    .default('trimmed')
    .describe(
      'Vocabulary of the student: the word pieces of the train split and the single characters of its scripts, or all of the teacher.',
    ),
  augmentations: z
    .array(augmentationSchema)
    .min(1)
    .optional()
    .describe(
      'Views of each train row that the teacher is asked about too, one an entry: dropWords, swapWords and swapLetters with the share of the words that they change.',
    ),
  sliceColumns: z
    .array(z.string().min(1))
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'names must differ')
    .optional()
    .describe(
      'Columns of the corpus by whose values the test rows are measured in parts, such as language; of more than 20 numbers, by quarters of the rows.',
    ),
  storeTexts: z
    .boolean()
    .optional()
    .describe('false: examples and rejects keep no text. Left out: they keep it.'),
  maxRejects: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('Largest share of unreadable rows before the corpus is refused.'),
  limit: z
    .int()
    .positive()
    .optional()
    .describe('Most rows to read of each split, shared among its files: to try things.'),
  classesFrom: z
    .literal('labels')
    .optional()
    .describe('labels: where classNames are left out, the classes are the labels of train.'),
  classNames: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      "Names of the classes: the teacher's own in any order, or, where the teacher has only numbers, names for its outputs in their order.",
    ),
  separator: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Between the parts of a label in one cell, of multi-label and regression. Default: ,',
    ),
});

/** Settings of `prepare`: how to read the corpus and how to cut it into tokens. */
export const prepareConfigSchema = fields
  .refine(
    ({ columns, teacherLongTexts: teacher, studentLongTexts: student }) =>
      columns.textPair === undefined ||
      !(teacher === 'windows' || [teacher, student].includes('head-tail')),
    {
      path: ['longTexts'],
      message:
        'head-tail and windows cut single texts, and corpus.columns.textPair names a second one: set truncate, or teacher.longTexts: reject',
    },
  )
  .refine(
    ({ task = 'classification', teacherLongTexts: teacher, studentLongTexts: student }) =>
      !isPerToken(task) ||
      [teacher, student].every((cut) => cut === undefined || cut === 'truncate'),
    {
      path: ['longTexts'],
      message:
        'a task with an answer for each word or token reads the beginning of a long text: leave longTexts out',
    },
  )
  .refine(
    ({ task = 'classification', augmentations }) =>
      !isPerToken(task) || augmentations === undefined,
    {
      path: ['augmentations'],
      message:
        'words that are dropped or moved leave no answer for each word or token: leave them out',
    },
  )
  .refine(
    ({ teacherLongTexts, windowOverlap }) =>
      windowOverlap === undefined || teacherLongTexts === 'windows',
    {
      path: ['windowOverlap'],
      message: 'only teacher.longTexts: windows has windows: set it, or leave windowOverlap out',
    },
  );

export type PrepareConfig = z.infer<typeof prepareConfigSchema>;
