import { forwardInHalves } from '#stages/students/halves.ts';
import { decayMask, layoutOf, unflatten } from '#stages/students/parameters.ts';
import type {
  Architecture,
  NamedTensors,
  ParameterSpec,
  StudentShape,
  TaskHead,
} from '#stages/students/student.ts';
import { headParameters, withHead } from '#stages/students/task-heads.ts';
import type { Tensor1D, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import type { FeedTensors, StepProgram } from '#stages/tensorflow/step-program.ts';
import {
  type BatchLayout,
  featureFeed,
  inferenceFeedSpecs,
  trainingFeedSpecs,
} from './batches/batch-feeds.ts';
import { languageFeedSpecs, probedClasses, tokenScores } from './language/language-step.ts';
import { projectionsOf } from './losses/hints.ts';
import { feedOf, type StepLosses, stepLoss } from './losses/step-loss.ts';
import { type OptimizerChoice, optimizerOf } from './optimizer-choice.ts';
import type { Settings } from './settings.ts';

/** What a student's training step is made of. */
export interface StudentTraining {
  readonly architecture: Architecture;
  readonly shape: StudentShape;
  readonly initialWeights: Float32Array;
  readonly layout: BatchLayout;
  /** Sequence lengths of the batches. */
  readonly buckets: readonly number[];
  readonly settings: OptimizerChoice & { readonly labelSmoothing: number } & Pick<Settings, 'xla'>;
  /** What differs from the usual losses. */
  readonly losses?: Partial<Omit<StepLosses, 'labelSmoothing'>>;
  /** The further head that answers. Default: the student's own classifier. */
  readonly head?: TaskHead;
}

/**
 * Do operations of a step go side by side, each on few cores? One of some rows of tokens is too small to be shared
 * among cores. XLA, the vocabulary of a language model and images make large ones.
 */
export function runsSideBySide({
  settings,
  shape,
}: {
  readonly settings: Pick<Settings, 'xla'>;
  readonly shape: Pick<StudentShape, 'languageModel' | 'features'>;
}): boolean {
  const isSmall = shape.languageModel === undefined && shape.features === undefined;
  // One that compiles only if possible may end as a graph, which then has to be that of others.
  return isSmall && settings.xla !== true;
}

/** The student's parameters, and behind them those of further heads and of its training alone. */
export function stepParameters({
  architecture,
  shape,
  layout,
}: Pick<StudentTraining, 'architecture' | 'shape' | 'layout'>): readonly ParameterSpec[] {
  const own = architecture.parameters(shape);
  const classifier = own.find(({ name }) => name === 'classifier.weight');
  const width = classifier?.shape[1] ?? shape.hiddenSize;
  return [
    ...own,
    ...headParameters(own, shape.taskHeads),
    ...projectionsOf(layout.hints ?? [], width),
  ];
}

interface Pass {
  readonly bucket: number;
  readonly onFeatures?: (features: Tensor2D) => void;
}

/** The step: forward pass, soft and hard loss as far as the layout has them, AdamW. */
export function studentProgram(training: StudentTraining): StepProgram {
  const { architecture, layout, settings, head } = training;
  const { labelSmoothing, accumulate = 1 } = settings;
  const inHalves = runsSideBySide(training);
  const losses = { softLoss: softLossKind('forward-kl'), ...training.losses, labelSmoothing };
  const specs = stepParameters(training);
  const shape = { ...training.shape, ...(head && { classCount: head.classCount }) };
  const forward = (
    tf: Tensorflow,
    named: NamedTensors,
    feeds: FeedTensors,
    { bucket, onFeatures }: Pass,
  ) => {
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
      ...(onFeatures && { onFeatures }),
    };
    const answering = head === undefined ? named : withHead(named, head.name);
    return inHalves
      ? forwardInHalves(tf, architecture, answering, batch, shape)
      : architecture.forward(tf, answering, batch, shape);
  };
  return {
    initialWeights: training.initialWeights,
    decayMask: decayMask(specs),
    parameterSizes: layoutOf(specs).places.map(({ length }) => length),
    buckets: training.buckets,
    feeds: (bucket) => trainingFeedSpecs(layout, bucket),
    loss(tf, weights, feeds, bucket) {
      const named = unflatten(tf, weights, specs);
      let features: Tensor2D | undefined;
      const onFeatures = (read: Tensor2D): void => {
        features = read;
      };
      const logits = forward(tf, named, feeds, { bucket, onFeatures });
      return stepLoss(tf, { logits, features, named }, feeds, layout, losses);
    },
    ...evaluationOf(
      layout,
      (tf, weights, feeds, bucket) => forward(tf, unflatten(tf, weights, specs), feeds, { bucket }),
      shape.classCount,
    ),
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
