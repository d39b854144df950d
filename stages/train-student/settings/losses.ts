import { z } from 'zod';
import { SOFT_LOSSES, type SoftLossKind, softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';

const hint = z.strictObject({
  from: z
    .string()
    .regex(/^\w+$/, 'is the name of a column: letters, digits and _')
    .describe('NAME of the column hidden_NAME that soft-label.hidden keeps.'),
  loss: z
    .enum(['mse', 'cosine', 'relation'], {
      error: ({ input }) => (input === 'attention' ? NO_ATTENTION : undefined),
    })
    .describe(
      'mse and cosine compare vectors, through a learned projection; relation how alike the rows of a batch are to each other.',
    ),
  weight: z.number().positive().default(1).describe('Weight of this loss. Default: 1.'),
});

/** Settings of what a student loses. Left out, each is what it was before there was a choice. */
export const lossSettings = {
  softLoss: z
    .union([
      z.enum(SOFT_LOSSES),
      z.strictObject({
        name: z.literal('jensen-shannon'),
        teacherShare: z.number().gt(0).lt(1),
      }),
      z.strictObject({ module: z.string().min(1) }),
    ])
    .optional()
    .describe(
      'How far the student is from the teacher: forward-kl (default), reverse-kl, jensen-shannon (or { name: jensen-shannon, teacherShare: 0.1 }, the share of the teacher in the mixture), mse (of logits), each with T^2; or { module: ./my-loss.ts }, a loss of your own. Regression: mse.',
    ),
  classWeights: z
    .union([z.literal('balanced'), z.record(z.string(), z.number().positive())])
    .optional()
    .describe(
      'How much each class counts in the hard loss: balanced (rows / (classes x rows of the class)) or { LABEL: weight }, others 1. Of multi-label how much a yes counts (balanced: no / yes). Default: all alike.',
    ),
  hints: z
    .array(hint)
    .min(1)
    .optional()
    .describe(
      'Features of the teacher to come near to, each { from: NAME, loss: mse | cosine | relation, weight: 1 } with a column hidden_NAME of the cache (soft-label.hidden).',
    ),
};

export type LossSettings = z.infer<z.ZodObject<typeof lossSettings>>;

/** One feature of the teacher that a student comes near to. */
export type HintSetting = z.infer<typeof hint>;

/** The soft loss that is asked for; null: one of the user's own. */
export function softLossOf({ softLoss = 'forward-kl' }: LossSettings): SoftLossKind | null {
  if (typeof softLoss === 'string') return softLossKind(softLoss);
  return 'module' in softLoss ? null : softLoss;
}

/** What a task has no meaning for, with the settings that say so. */
export function lossProblems({
  task,
  softLoss,
  classWeights,
  labelSmoothing = 0,
}: LossSettings & {
  readonly task?: string | undefined;
  readonly labelSmoothing?: number;
}): { path: string; message: string }[] {
  if (task !== 'regression') return [];
  const isNamed = softLoss !== undefined && !(typeof softLoss === 'object' && 'module' in softLoss);
  return [
    ...(isNamed && softLoss !== 'mse'
      ? [
          {
            path: 'softLoss',
            message: 'compares distributions, and regression has numbers: set mse, or leave it out',
          },
        ]
      : []),
    ...(classWeights === undefined
      ? []
      : [
          {
            path: 'classWeights',
            message: 'belongs to classes, and regression has numbers: leave it out',
          },
        ]),
    ...(labelSmoothing === 0
      ? []
      : [
          {
            path: 'labelSmoothing',
            message: 'spreads a label over classes, and regression has numbers: leave it out',
          },
        ]),
  ];
}

const NO_ATTENTION =
  'a cache keeps a vector a row, and attention is a square of the tokens: take relation, which compares the rows of a batch, with a column of soft-label.hidden';
