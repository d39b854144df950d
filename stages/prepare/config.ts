import { z } from 'zod';
import { TASKS } from '#datasets/task.ts';

/** Settings of `prepare`: how to read the corpus and how to cut it into tokens. */
export const prepareConfigSchema = z.strictObject({
  task: z.enum(TASKS).optional().describe('What is labelled. Default: classification.'),
  columns: z
    .strictObject({
      text: z.string().min(1).default('text').describe('Column of the text.'),
      label: z
        .string()
        .min(1)
        .default('label')
        .describe('Column of the label; a row without a value there is unlabelled.'),
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
    .min(2)
    .optional()
    .describe(
      "Names of the classes: the teacher's own in any order, or, where the teacher has only numbers, names for its outputs in their order.",
    ),
});

export type PrepareConfig = z.infer<typeof prepareConfigSchema>;
