import { z } from 'zod';
import { valueFormOf } from '#datasets/corpus/value-labels.ts';
import type { SoftLabelMode, SoftLabelPrecision } from '#datasets/soft-labels/soft-label-meta.ts';
import { isValueTask, TASKS, type ValueTask } from '#datasets/task.ts';

/** How files of answers are read; what is left out is filled in where it is used. */
const answerSettings = {
  smoothing: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      'Of answers, the share of a label that is spread over all classes; of n votes it is a prior that counts smoothing / (1 - smoothing) votes. Default: 0.1.',
    ),
  missing: z
    .enum(['error', 'skip'])
    .optional()
    .describe(
      'Of answers, what becomes of rows without one: an error (default), or they are left out.',
    ),
  columns: z
    .strictObject({
      text: z.string(),
      textPair: z.string().optional(),
      id: z.string(),
    })
    .optional()
    .describe('Names of the columns that tell which text is meant. Default: text and id.'),
  separator: z
    .string()
    .min(1)
    .optional()
    .describe('Of answers, between the parts of a label in one cell, as corpus.separator.'),
};

/** Settings of stage one. */
export const softLabelConfig = z
  .strictObject({
    task: z.enum(TASKS).optional().describe('What the teacher answers. Default: classification.'),
    keep: z
      .enum(['top-k', 'all', 'sampled'])
      .default('top-k')
      .describe(
        'What is kept of each row: the best classes and the mass of the rest, every logit, or draws from the distribution (for large vocabularies).',
      ),
    topK: z.int().positive().default(10).describe('How many classes are kept a row.'),
    samples: z
      .int()
      .positive()
      .max(65_535)
      .optional()
      .describe('Of keep: sampled, how often each row is drawn. Default: 50.'),
    precision: z
      .enum(['float32', 'compact', 'small'])
      .optional()
      .describe(
        'Of keep: top-k, how its numbers are kept: as they are (float32, the default), in 16 bits (compact: KL below 1e-8 nat) or in 8 bits (small: below 2e-4).',
      ),
    temperatures: z
      .array(z.number().positive())
      .min(1)
      .refine((values) => new Set(values).size === values.length, 'temperatures must be distinct')
      .default([1, 2, 4])
      .describe(
        'Temperatures at which students may ask for probabilities; of keep: sampled, the one that is drawn at.',
      ),
    output: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Output of the teacher's graph that has the logits. Default: logits, or else the first.",
      ),
    hidden: z
      .array(z.string().min(1))
      .min(1)
      .refine((names) => new Set(names.map(hiddenName)).size === names.length, 'names must differ')
      .optional()
      .describe(
        'Teacher features to keep beside the logits, by the names of tensors in its graph, each as a column hidden_NAME: of [batch, width] the row, of [batch, sequence, width] that of the first token ([CLS]), and of a task with an answer a token that of the token.',
      ),
    maxLength: z
      .int()
      .positive()
      .default(128)
      .describe('Most tokens of a row that the teacher sees.'),
    device: z
      .enum(['auto', 'cpu', 'cuda'])
      .default('auto')
      .describe('Where the teacher runs; `cuda` never falls back to the CPU.'),
    deviceId: z
      .int()
      .nonnegative()
      .optional()
      .describe('Of device: cuda, which of several GPUs. Default: the first.'),
    strict: z
      .union([z.boolean(), z.literal('every-node')])
      .optional()
      .describe(
        'Of a teacher on CUDA: refuse one of which a part computes on the CPU; every-node: also one whose shapes are reckoned there. Default: false.',
      ),
    threads: z
      .int()
      .positive()
      .optional()
      .describe('Threads of the teacher; all cores when left out.'),
    tokenBudget: z
      .int()
      .positive()
      .default(2048)
      .describe('Padded tokens in one batch: the lever on memory.'),
    gather: z
      .enum(['auto', 'off'])
      .optional()
      .describe(
        'Where words or tokens are answered for: compute logits of these alone, if the last step of the model allows it (auto, the default), or of all (off). The numbers are the same.',
      ),
    shardRows: z.int().positive().default(2048).describe('Rows in one file.'),
    codec: z.enum(['none', 'snappy', 'zstd']).default('zstd').describe('Compression of the files.'),
    licenses: z
      .strictObject({ teacher: z.string().optional(), corpus: z.string().optional() })
      .optional()
      .describe('Licences of teacher and corpus: kept in the manifest, and no part of the recipe.'),
    answers: z
      .strictObject(answerSettings)
      .optional()
      .describe('Of a teacher whose answers stand in files: how they are read.'),
  })
  .refine(({ keep, temperatures }) => keep === 'sampled' || temperatures.includes(1), {
    path: ['temperatures'],
    message: 'temperatures must include 1: confidence and entropy need it',
  })
  .refine(({ keep, temperatures }) => keep !== 'sampled' || temperatures.length === 1, {
    path: ['temperatures'],
    message: 'keep: sampled draws at one temperature: set temperatures: [1], or another one',
  })
  .refine(({ keep, precision }) => keep === 'top-k' || (precision ?? 'float32') === 'float32', {
    path: ['precision'],
    message: 'compact and small are for keep: top-k; leave precision out',
  });

export type SoftLabelConfig = z.infer<typeof softLabelConfig>;

/** How answers are read, with what is meant where the settings say nothing. */
export function answerSettingsOf({
  answers = {},
  task,
}: Pick<SoftLabelConfig, 'answers' | 'task'>) {
  const { smoothing = 0.1, missing = 'error', columns = { text: 'text', id: 'id' } } = answers;
  return { smoothing, missing, columns, form: valueFormOf(task, answers.separator) };
}

/** What is kept of each row, once the number of classes is known. */
export interface Keep {
  readonly mode: SoftLabelMode;
  /** Of mode `top-k` only. */
  readonly topK: number | undefined;
  /** Of mode `sampled` only. */
  readonly samples: number | undefined;
  readonly temperatures: readonly number[];
  readonly precision: SoftLabelPrecision;
  readonly classCount: number;
  /** Of tasks whose numbers are no distribution over the classes: all are kept, and nothing is summed. */
  readonly task?: ValueTask;
  /** Tensors of the teacher's graph that are kept as features. */
  readonly hidden?: readonly string[] | undefined;
}

/** A top k that holds all classes is kept dense: exact numbers, and no tail of nothing. */
export function keepOf(config: SoftLabelConfig, classCount: number): Keep {
  // Left out of the settings where they are not asked for, so that earlier caches stay fresh.
  const { keep, temperatures, topK, samples = 50, precision = 'float32' } = config;
  const { hidden, task } = config;
  if (isValueTask(task)) {
    const none = { topK: undefined, samples: undefined, temperatures: [] };
    return { ...none, mode: 'dense', precision: 'float32', classCount, hidden, task };
  }
  const common = { temperatures, classCount, hidden, topK: undefined, samples: undefined } as const;
  if (keep === 'sampled') return { ...common, mode: 'sampled', samples, precision: 'float32' };
  if (keep === 'all' || topK >= classCount) {
    return { ...common, mode: 'dense', precision: 'float32' };
  }
  return { ...common, mode: 'top-k', topK, precision };
}

/** How the column of a tensor is called: names of tensors may hold slashes and dots. */
export function hiddenName(tensor: string): string {
  return tensor.replaceAll(/\W+/g, '_').replace(/^_+/, '');
}
