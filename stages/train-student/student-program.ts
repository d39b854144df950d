import { decayMask, unflatten } from '#stages/students/parameters.ts';
import type { Architecture, StudentShape } from '#stages/students/student.ts';
import {
  hardLoss,
  softLossDense,
  softLossSampled,
  softLossTopK,
} from '#stages/tensorflow/distillation-loss.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { FeedTensors, StepLoss, StepProgram } from '#stages/tensorflow/step-program.ts';
import {
  type BatchLayout,
  featureFeed,
  inferenceFeedSpecs,
  trainingFeedSpecs,
} from './batch-feeds.ts';
import { languageFeedSpecs, probedClasses, tokenScores } from './language-step.ts';
import type { SoftLayout } from './soft-targets.ts';
import { valueHardLoss, valueSoftLoss } from './value-step.ts';

/** What a student's training step is made of. */
export interface StudentTraining {
  readonly architecture: Architecture;
  readonly shape: StudentShape;
  readonly initialWeights: Float32Array;
  readonly layout: BatchLayout;
  /** Sequence lengths of the batches. */
  readonly buckets: readonly number[];
  readonly settings: {
    readonly labelSmoothing: number;
    readonly weightDecay: number;
    readonly maxGradNorm: number;
  };
}

/** The step: forward pass, soft and hard loss as far as the layout has them, AdamW. */
export function studentProgram(training: StudentTraining): StepProgram {
  const { architecture, shape, layout, settings } = training;
  const { labelSmoothing, weightDecay, maxGradNorm } = settings;
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
      const logits = forward(tf, weights, feeds, bucket);
      return distillationLoss(tf, logits, feeds, layout, labelSmoothing);
    },
    ...evaluationOf(layout, forward, shape.classCount),
    optimizer: {
      kind: 'adamw',
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay,
      maxGradNorm,
    },
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

/** softLossWeight x soft loss + hardLossWeight x hard loss; a part that the layout lacks is not computed. */
function distillationLoss(
  tf: Tensorflow,
  logits: Tensor2D,
  feeds: FeedTensors,
  { soft, goldPerRow, valueTask }: BatchLayout,
  labelSmoothing: number,
): StepLoss {
  const parts: Record<string, Scalar> = {};
  const weighted: Scalar[] = [];
  const add = (name: string, weightName: string, loss: Scalar): void => {
    parts[name] = loss;
    weighted.push(tf.mul(feedOf<Scalar>(feeds, weightName), loss));
  };
  const named = <Rank extends Tensor>(name: string): Rank => feedOf<Rank>(feeds, name);
  if (soft !== null) {
    const loss =
      valueTask === undefined
        ? softLoss(tf, logits, feeds, soft.type)
        : valueSoftLoss(tf, logits, valueTask, named);
    add('softLoss', 'softLossWeight', loss);
  }
  if (goldPerRow > 0 && valueTask !== undefined) {
    const loss = valueHardLoss(tf, logits, valueTask, { feedOf: named, labelSmoothing });
    add('hardLoss', 'hardLossWeight', loss);
  } else if (goldPerRow > 0) {
    // A row whose sources disagree has several gold labels: it stands for itself once for each.
    const repeated = goldPerRow === 1 ? logits : tf.tile(logits, [goldPerRow, 1]);
    const goldIds = feedOf(feeds, 'goldIds');
    const weights = feedOf<Tensor1D>(feeds, 'goldWeights');
    const loss = hardLoss(tf, repeated, { goldIds, weights, labelSmoothing });
    add('hardLoss', 'hardLossWeight', loss);
  }
  return { loss: tf.addN(weighted), parts };
}

function softLoss(
  tf: Tensorflow,
  logits: Tensor2D,
  feeds: FeedTensors,
  type: SoftLayout['type'],
): Scalar {
  const temperature = feedOf<Scalar>(feeds, 'temperature');
  const weights = feedOf<Tensor1D>(feeds, 'rowWeights');
  if (type === 'dense') {
    const teacherLogits = feedOf(feeds, 'teacherLogits');
    return softLossDense(tf, logits, { teacherLogits, temperature, weights });
  }
  if (type === 'sampled') {
    const sampleIds = feedOf(feeds, 'sampleIds');
    const sampleShares = feedOf(feeds, 'sampleShares');
    return softLossSampled(tf, logits, { sampleIds, sampleShares, temperature, weights });
  }
  return softLossTopK(tf, logits, {
    topIds: feedOf(feeds, 'topIds'),
    teacherLogProbs: feedOf(feeds, 'topLogProbs'),
    tailLogMass: feedOf(feeds, 'tailLogMass'),
    temperature,
    weights,
  });
}

/** A feed by name, of the rank that the layout gave it. */
function feedOf<Rank extends Tensor = Tensor>(feeds: FeedTensors, name: string): Rank {
  const tensor = feeds[name];
  if (tensor === undefined) throw new Error(`the step program lacks the feed "${name}"`);
  return tensor as Rank;
}
