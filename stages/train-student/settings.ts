import { z } from 'zod';
import { HEAD_TASKS, TASKS } from '#datasets/task.ts';
import { checkpointSettings } from './settings/checkpoints.ts';
import { convolutionFields } from './settings/convolutions.ts';
import { executorSettings } from './settings/executors.ts';
import { foldSettings } from './settings/folds.ts';
import { initialisationFields } from './settings/initialisation.ts';
import { optimisationProblems } from './settings/limits.ts';
import { lossProblems, lossSettings } from './settings/losses.ts';
import { optimizerSettings } from './settings/optimizer.ts';
import { rowSettings } from './settings/rows.ts';
import { largestOf, type Scheduled, scheduled } from './settings/schedules.ts';

/** Settings of `train-student`: the shape of the student, its optimisation and its loss. */
export const trainStudentConfig = z
  .strictObject({
    taskHeads: z
      .record(
        z.string(),
        z.strictObject({ weight: z.number().positive(), task: z.enum(HEAD_TASKS).optional() }),
      )
      .optional()
      .describe('Further tasks of the same encoder, each with inputs of its own.'),
    task: z.enum(TASKS).optional().describe('What the student answers. Default: classification.'),
    architecture: z
      .enum(['modernbert', 'bert', 'gpt2', 'bag', 'mlp', 'textcnn', 'cnn'])
      .default('modernbert')
      .describe(
        'Kind of student: modernbert and bert are encoders, gpt2 predicts the next token, bag averages word pieces and textcnn looks at a few neighbours (both take tensors beside them), mlp and cnn read tensors alone.',
      ),
    layers: z
      .int()
      .min(1)
      .default(2)
      .describe(
        'Encoder layers, hidden layers of an mlp, or blocks of a cnn; bag and textcnn have none.',
      ),
    hiddenSize: z
      .int()
      .min(1)
      .default(128)
      .describe(
        'Width of the token vectors, of the hidden layers of an mlp, or filters of the last block of a cnn.',
      ),
    heads: z
      .int()
      .min(1)
      .optional()
      .describe('Attention heads; must divide hiddenSize. Default: hiddenSize / 64, at least 1.'),
    intermediateSize: z
      .int()
      .min(1)
      .optional()
      .describe(
        'Width of the feed-forward part. Default: 2 x hiddenSize (modernbert, bag), 4 x (bert, gpt2).',
      ),
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .optional()
      .describe(
        'Share of values dropped in training. Default: modernbert, gpt2, mlp and cnn 0, bert 0.1, bag and textcnn 0.3.',
      ),
    maxLength: z
      .int()
      .min(1)
      .optional()
      .describe('Longest input in tokens. Default: the length the inputs were tokenised with.'),
    steps: z.int().min(1).default(1500).describe('Optimiser steps; the same for all variants.'),
    batchSize: z.int().min(1).default(32).describe('Rows of one step.'),
    learningRate: scheduled(z.number().min(0), { warmup: true })
      .optional()
      .describe(
        'Highest learning rate, or a schedule in place of schedule and warmup. Default of adamw: 0.001 (modernbert, gpt2), 0.002 (bert, mlp, cnn), 0.003 (bag, textcnn); sgd and rmsprop have none.',
      ),
    schedule: z
      .enum(['linear', 'cosine', 'constant'])
      .default('linear')
      .describe('How the learning rate falls after the warm-up: to 0 (linear, cosine) or not.'),
    warmup: z
      .number()
      .min(0)
      .lt(1)
      .default(0.06)
      .describe('Share of the steps in which the learning rate rises from 0.'),
    weightDecay: z
      .number()
      .min(0)
      .default(0.01)
      .describe('Decoupled weight decay of AdamW, on matrices only.'),
    maxGradNorm: z
      .number()
      .positive()
      .default(1)
      .describe('Gradients of a larger global norm are scaled down to it.'),
    temperature: scheduled(z.number().positive(), { warmup: false })
      .default(2)
      .describe(
        'Divisor of the logits in the soft loss, or a schedule of it; a top-k cache must have stored each.',
      ),
    mix: z
      .enum(['weights', 'confidence'])
      .optional()
      .describe(
        'How several teachers are mixed (their probabilities, row by row): by their weights (default), or by weight times how sure each teacher is of the row.',
      ),
    teacherWeights: z
      .record(z.string(), z.number().positive())
      .optional()
      .describe('Of several teachers, how much each one counts.'),
    unanswered: z
      .literal('leave-out')
      .optional()
      .describe(
        'leave-out: train rows without soft label take no part, however many. Left out: more than a quarantine explains are an error.',
      ),
    softLossWeight: scheduled(z.number().min(0), { warmup: true })
      .default(0.9)
      .describe('Weight of the soft loss; 0 trains on rows with a gold label only.'),
    hardLossWeight: scheduled(z.number().min(0), { warmup: true })
      .default(0.1)
      .describe('Weight of the cross-entropy against gold (or relabelled) labels.'),
    labelSmoothing: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe('Share of a gold label that is spread over all classes in the hard loss.'),
    ...initialisationFields,
    ...lossSettings,
    seed: z.int().min(0).default(1).describe('Decides the start weights, the order and dropout.'),
    shuffleWindow: z
      .int()
      .min(1)
      .default(32_768)
      .describe('Rows held in memory to draw the next one from; shards come in random order.'),
    evaluateEvery: z
      .int()
      .min(1)
      .default(250)
      .describe('Steps between two measurements on the validation rows.'),
    keep: z
      .enum(['best', 'last'])
      .default('best')
      .describe(
        'Which weights become the student: the latest within a standard error of the best on validation, or those of the last step.',
      ),
    executor: z
      .enum(['graph', 'eager'])
      .default('graph')
      .describe('graph runs a recorded step as a whole; eager is the slow reference.'),
    device: z
      .enum(['auto', 'cpu', 'cuda'])
      .default('auto')
      .describe('Where to train; auto takes a GPU if TensorFlow sees one.'),
    deviceId: z.int().min(0).optional().describe('Of device: cuda, which of several GPUs.'),
    checkpointEvery: z
      .int()
      .min(1)
      .default(250)
      .describe('Steps between two checkpoints; a rerun after a kill goes on from the last.'),
    ...checkpointSettings,
    ...foldSettings,
    memoryLimitMb: z
      .number()
      .min(0)
      .default(256)
      .describe(
        'Tokens, tensors, and joined rows, up to this size stay in memory; more are read anew every epoch.',
      ),
    ...optimizerSettings,
    ...rowSettings,
    ...executorSettings,
    ...convolutionFields,
  })
  .refine(({ hiddenSize, heads }) => heads === undefined || hiddenSize % heads === 0, {
    path: ['heads'],
    message: 'must divide hiddenSize',
  })
  .refine(
    ({ softLossWeight, hardLossWeight }) =>
      largestOf(softLossWeight) + largestOf(hardLossWeight) > 0,
    {
      path: ['hardLossWeight'],
      message: 'softLossWeight and hardLossWeight are both 0: there is nothing to learn from',
    },
  )
  .superRefine((settings, context) => {
    for (const { path, message } of [
      ...lossProblems(settings),
      ...optimisationProblems(settings),
    ]) {
      context.addIssue({ code: 'custom', path: [path], message });
    }
  });

/** Config of the stage as it is written and fingerprinted; some defaults depend on other fields. */
export type TrainStudentConfig = z.infer<typeof trainStudentConfig>;

/** The config with all defaults filled in; `maxLength` still waits for the tokens. */
export type Settings = Omit<TrainStudentConfig, keyof Dependent | 'maxLength' | 'mix'> &
  Dependent & { readonly maxLength: number | undefined; readonly mix: 'weights' | 'confidence' };

interface Dependent {
  readonly heads: number;
  readonly intermediateSize: number;
  readonly dropout: number;
  readonly learningRate: Scheduled;
}

/** Fills in the defaults that depend on the architecture and the width. */
export function settingsOf(config: TrainStudentConfig): Settings {
  const defaults = architectureDefaults[config.architecture];
  return {
    ...config,
    maxLength: config.maxLength,
    mix: config.mix ?? 'weights',
    heads: config.heads ?? defaultHeads(config.hiddenSize),
    intermediateSize: config.intermediateSize ?? defaults.widening * config.hiddenSize,
    dropout: config.dropout ?? defaults.dropout,
    learningRate: config.learningRate ?? defaults.learningRate,
  };
}

/** Heads of about 64 dimensions, as many as divide the width. */
function defaultHeads(hiddenSize: number): number {
  let heads = Math.max(1, Math.floor(hiddenSize / 64));
  while (hiddenSize % heads !== 0) heads -= 1;
  return heads;
}

const architectureDefaults = {
  modernbert: { widening: 2, dropout: 0, learningRate: 1e-3 },
  bert: { widening: 4, dropout: 0.1, learningRate: 2e-3 },
  gpt2: { widening: 4, dropout: 0, learningRate: 1e-3 },
  bag: { widening: 2, dropout: 0.3, learningRate: 3e-3 },
  textcnn: { widening: 1, dropout: 0.3, learningRate: 3e-3 },
  mlp: { widening: 1, dropout: 0, learningRate: 2e-3 },
  cnn: { widening: 1, dropout: 0, learningRate: 2e-3 },
} as const;
