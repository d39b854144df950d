import { decayMask, unflatten } from '#stages/students/parameters.ts';
import type { Architecture, StudentShape } from '#stages/students/student.ts';
import type { Tensor1D, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import type { FeedTensors, StepProgram } from '#stages/tensorflow/step-program.ts';
import {
  type BatchLayout,
  featureFeed,
  inferenceFeedSpecs,
  trainingFeedSpecs,
} from './batch-feeds.ts';
import { languageFeedSpecs, probedClasses, tokenScores } from './language-step.ts';
import { type OptimizerChoice, optimizerOf } from './optimizer-choice.ts';
import { feedOf, type StepLosses, stepLoss } from './step-loss.ts';

/** What a student's training step is made of. */
export interface StudentTraining {
  readonly architecture: Architecture;
  readonly shape: StudentShape;
  readonly initialWeights: Float32Array;
  readonly layout: BatchLayout;
  /** Sequence lengths of the batches. */
  readonly buckets: readonly number[];
  readonly settings: OptimizerChoice & { readonly labelSmoothing: number };
  /** What differs from the usual losses. */
  readonly losses?: Partial<Omit<StepLosses, 'labelSmoothing'>>;
}

/** The step: forward pass, soft and hard loss as far as the layout has them, AdamW. */
export function studentProgram(training: StudentTraining): StepProgram {
  const { architecture, shape, layout, settings } = training;
  const { labelSmoothing, accumulate = 1 } = settings;
  const losses = { softLoss: softLossKind('forward-kl'), ...training.losses, labelSmoothing };
  const specs = architecture.parameters(shape);
  const forward: Forward = (tf, weights, feeds, bucket) => {
    const { batchSize } = layout;
    const inputs = { inputIds: feedOf(feeds, 'inputIds'), lengths: feedOf(feeds, 'lengths') };
    const features = Object.keys(layout.features ?? {}).map(
      (input) => [input, feedOf<Tensor2D>(feeds, featureFeed(input))] as const,
    );
    const dropout = 'dropoutSeed' in feeds && { dropoutSeed: feedOf(feeds, 'dropoutSeed') };
    const asked = 'answerAt' in feeds && { answerAt: feedOf(feeds, 'answerAt') };
    const batch = {
      ...inputs,
      ...dropout,
      ...asked,
      ...(features.length > 0 && { features: Object.fromEntries(features) }),
      batchSize,
      sequenceLength: bucket,
    };
    return architecture.forward(tf, unflatten(tf, weights, specs), batch, shape);
  };
  return {
    initialWeights: training.initialWeights,
    decayMask: decayMask(specs),
    buckets: training.buckets,
    feeds: (bucket) => trainingFeedSpecs(layout, bucket),
    loss(tf, weights, feeds, bucket) {
      return stepLoss(tf, forward(tf, weights, feeds, bucket), feeds, layout, losses);
    },
    ...evaluationOf(layout, forward, shape.classCount),
    optimizer: optimizerOf(settings),
    accumulates: accumulate > 1,
  };
}

type Forward = (tf: Tensorflow, weights: Tensor1D, feeds: FeedTensors, bucket: number) => Tensor2D;

/** Logits, or of a language model what it says at the asked tokens. */
function evaluationOf(
  layout: BatchLayout,
  forward: Forward,
  classCount: number,
): Pick<StepProgram, 'evaluationFeeds' | 'evaluate'> {
  const { answersPerBatch } = layout;
  if (answersPerBatch === undefined) {
    return {
      evaluationFeeds: (bucket) => inferenceFeedSpecs(layout, bucket),
      evaluate: forward,
    };
  }
  const probedIds = probedClasses(classCount);
  return {
    evaluationFeeds: (bucket) => languageFeedSpecs({ ...layout, answersPerBatch }, bucket),
    evaluate: (tf, weights, feeds, bucket) =>
      tokenScores(tf, forward(tf, weights, feeds, bucket), feedOf(feeds, 'goldIds'), probedIds),
  };
}
