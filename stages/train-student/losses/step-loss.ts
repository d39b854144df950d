import type { NamedTensors } from '#stages/students/student.ts';
import { hardLoss } from '#stages/tensorflow/distillation-loss.ts';
import { type OwnSoftLoss, ownSoftLoss } from '#stages/tensorflow/own-soft-loss.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { type SoftTargets, softLoss } from '#stages/tensorflow/soft-loss.ts';
import type { SoftLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import type { FeedTensors, StepLoss } from '#stages/tensorflow/step-program.ts';
import type { BatchLayout } from '#stages/train-student/batches/batch-feeds.ts';
import type { SoftLayout } from '#stages/train-student/targets/soft-targets.ts';
import { valueHardLoss, valueSoftLoss } from '#stages/train-student/values/value-step.ts';
import { hintFeed, hintLoss } from './hints.ts';

/** What decides the losses of a step besides its batch. */
export interface StepLosses {
  readonly labelSmoothing: number;
  /** A loss by name, or a function of the user's own. */
  readonly softLoss: SoftLossKind | OwnSoftLoss;
  /** [classCount]: how much each class counts in the hard loss; undefined: all alike. */
  readonly classWeights?: Float32Array | undefined;
}

/** What the forward pass of a step gave. */
export interface ForwardPass {
  readonly logits: Tensor2D;
  /** What the classifier read of each row of logits. */
  readonly features: Tensor2D | undefined;
  readonly named: NamedTensors;
}

/**
 * softLossWeight x soft loss + hardLossWeight x hard loss + hint losses, which have weights of their own; a
 * part that the layout lacks is not computed.
 */
export function stepLoss(
  tf: Tensorflow,
  { logits, features, named }: ForwardPass,
  feeds: FeedTensors,
  layout: BatchLayout,
  losses: StepLosses,
): StepLoss {
  const parts: Record<string, Scalar> = {};
  const weighted: Scalar[] = [];
  const add = (name: string, weightName: string, loss: Scalar): void => {
    parts[name] = loss;
    weighted.push(tf.mul(feedOf<Scalar>(feeds, weightName), loss));
  };
  if (layout.soft !== null) {
    add('softLoss', 'softLossWeight', softLossOfBatch(tf, logits, feeds, layout, losses.softLoss));
  }
  if (layout.goldPerRow > 0) {
    add('hardLoss', 'hardLossWeight', hardLossOfBatch(tf, logits, feeds, layout, losses));
  }
  const { hints = [] } = layout;
  if (layout.soft !== null && hints.length > 0) {
    if (features === undefined) throw new Error('the architecture tells no features');
    const weights = feedOf<Tensor1D>(feeds, 'rowWeights');
    const targets = (place: number) => feedOf<Tensor2D>(feeds, hintFeed(place));
    const loss = hintLoss(tf, hints, { features, named, targets, weights });
    add('hintLoss', 'hintLossWeight', loss);
  }
  return { loss: tf.addN(weighted), parts };
}

function softLossOfBatch(
  tf: Tensorflow,
  logits: Tensor2D,
  feeds: FeedTensors,
  { soft, valueTask }: BatchLayout,
  loss: StepLosses['softLoss'],
): Scalar {
  const targets = softTargets(feeds, soft?.type ?? 'dense');
  if (typeof loss === 'function') return ownSoftLoss(tf, loss, logits, targets);
  if (valueTask !== undefined && targets.type === 'dense') {
    return valueSoftLoss(tf, logits, valueTask, { kind: loss, targets });
  }
  return softLoss(tf, loss, logits, targets);
}

function hardLossOfBatch(
  tf: Tensorflow,
  logits: Tensor2D,
  feeds: FeedTensors,
  { goldPerRow, valueTask }: BatchLayout,
  { labelSmoothing, classWeights }: StepLosses,
): Scalar {
  const perClass = classWeights && tf.tensor1d(classWeights);
  if (valueTask !== undefined) {
    const gold = {
      targets: feedOf<Tensor2D>(feeds, 'goldValues'),
      weights: feedOf<Tensor1D>(feeds, 'goldRows'),
    };
    return valueHardLoss(tf, logits, valueTask, { ...gold, labelSmoothing, yesWeights: perClass });
  }
  // A row whose sources disagree has several gold labels: it stands for itself once for each.
  const repeated = goldPerRow === 1 ? logits : tf.tile(logits, [goldPerRow, 1]);
  return hardLoss(tf, repeated, {
    goldIds: feedOf(feeds, 'goldIds'),
    weights: feedOf<Tensor1D>(feeds, 'goldWeights'),
    labelSmoothing,
    classWeights: perClass,
  });
}

function softTargets(feeds: FeedTensors, type: SoftLayout['type']): SoftTargets {
  const common = {
    temperature: feedOf<Scalar>(feeds, 'temperature'),
    weights: feedOf<Tensor1D>(feeds, 'rowWeights'),
  };
  switch (type) {
    case 'dense':
      return { ...common, type, teacherLogits: feedOf(feeds, 'teacherLogits') };
    case 'sampled':
      return {
        ...common,
        type,
        sampleIds: feedOf(feeds, 'sampleIds'),
        sampleShares: feedOf(feeds, 'sampleShares'),
      };
    case 'top-k':
      return {
        ...common,
        type,
        topIds: feedOf(feeds, 'topIds'),
        teacherLogProbs: feedOf(feeds, 'topLogProbs'),
        tailLogMass: feedOf(feeds, 'tailLogMass'),
      };
    default:
      return type satisfies never;
  }
}

/** A feed by name, of the rank that the layout gave it. */
export function feedOf<Rank extends Tensor = Tensor>(feeds: FeedTensors, name: string): Rank {
  const tensor = feeds[name];
  if (tensor === undefined) throw new Error(`the step program lacks the feed "${name}"`);
  return tensor as Rank;
}
