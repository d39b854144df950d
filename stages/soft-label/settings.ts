import { z } from 'zod';

/** Settings of stage one. */
export const softLabelConfig = z.strictObject({
  keep: z
    .enum(['top-k', 'all'])
    .default('top-k')
    .describe(
      'What is kept of each row: the best classes and the mass of the rest, or every logit.',
    ),
  topK: z.int().positive().default(10).describe('How many classes are kept a row.'),
  temperatures: z
    .array(z.number().positive())
    .min(1)
    .refine((values) => new Set(values).size === values.length, 'temperatures must be distinct')
    .refine(
      (values) => values.includes(1),
      'temperatures must include 1: confidence and entropy need it',
    )
    .default([1, 2, 4])
    .describe('Temperatures at which students may ask for probabilities.'),
  maxLength: z
    .int()
    .positive()
    .default(128)
    .describe('Most tokens of a row that the teacher sees.'),
  device: z
    .enum(['auto', 'cpu', 'cuda'])
    .default('auto')
    .describe('Where the teacher runs; `cuda` never falls back to the CPU.'),
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
  shardRows: z.int().positive().default(2048).describe('Rows in one file.'),
  codec: z.enum(['none', 'snappy', 'zstd']).default('zstd').describe('Compression of the files.'),
});

export type SoftLabelConfig = z.infer<typeof softLabelConfig>;

/** What is kept of each row, once the number of classes is known. */
export interface Keep {
  /** undefined: every logit. */
  readonly topK: number | undefined;
  readonly temperatures: readonly number[];
  readonly classCount: number;
}

/** A top k that holds all classes is kept dense: same numbers, and no tail of nothing. */
export function keepOf(config: SoftLabelConfig, classCount: number): Keep {
  const topK = config.keep === 'top-k' && config.topK < classCount ? config.topK : undefined;
  return { topK, temperatures: config.temperatures, classCount };
}
