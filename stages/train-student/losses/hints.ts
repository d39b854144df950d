import { Failure } from '#cache/failure.ts';
import type { SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import { linear } from '#stages/students/operations.ts';
import {
  matrix,
  type NamedTensors,
  type ParameterSpec,
  parameterOf,
  vector,
} from '#stages/students/student.ts';
import { cosineLoss, relationLoss } from '#stages/tensorflow/hint-loss.ts';
import type { Scalar, Tensor1D, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { squaredErrorLoss } from '#stages/tensorflow/value-loss.ts';
import type { HintSetting } from '#stages/train-student/settings/losses.ts';

/** A feature of the teacher that a student comes near to. */
export interface Hint extends HintSetting {
  /** Numbers of a row. */
  readonly width: number;
}

/** The cache does not hold a feature that is asked for. */
export class HintColumnError extends Failure {
  constructor(folder: string, from: string, known: readonly string[]) {
    const there = known.length === 0 ? 'none' : known.map((name) => `hidden_${name}`).join(', ');
    super(
      'data',
      'E_HINT_COLUMN',
      `${folder}: hints ask for hidden_${from}, and the features of this cache are: ${there}`,
      'name a tensor of the teacher in soft-label.hidden; the teacher is asked again for it',
    );
  }
}

/** Features and rows of an example do not fit together. */
export class HintFormError extends Failure {
  constructor(why: string) {
    super('usage', 'E_HINT_FORM', `hints: ${why}`, 'leave hints out, or take this away');
  }
}

/** The hints with the widths that the cache has. */
export function hintsOf(
  hints: readonly HintSetting[] | undefined,
  cache: SoftLabelReader | undefined,
): readonly Hint[] {
  if (hints === undefined) return [];
  if (cache === undefined)
    throw new HintFormError('they come with soft labels, and softLossWeight is 0');
  if (cache.meta.perWindow) {
    throw new HintFormError(
      'a long text has features of each window, and a student reads it whole',
    );
  }
  const { hidden = {} } = cache.meta;
  return hints.map((hint) => {
    const width = hidden[hint.from];
    if (width !== undefined) return { ...hint, width };
    throw new HintColumnError(cache.shards[0] ?? '', hint.from, Object.keys(hidden));
  });
}

/**
 * Projections from the student's features to the teacher's (the regressors of Romero et al. 2015, FitNets).
 * They are trained and not exported: they stand behind the student's own parameters.
 */
export function projectionsOf(hints: readonly Hint[], featureWidth: number): ParameterSpec[] {
  return hints.flatMap((hint, place) => {
    if (hint.loss === 'relation') return [];
    const start = { kind: 'normal', std: featureWidth ** -0.5 } as const;
    return [
      matrix(`hints.${place}.weight`, [hint.width, featureWidth], start),
      vector(`hints.${place}.bias`, hint.width, 'zeros'),
    ];
  });
}

/** Name of the feed of a hint. */
export function hintFeed(place: number): string {
  return `hint ${place}`;
}

/** The sum of all hint losses, each times its weight: the mean over the rows that have soft labels. */
export function hintLoss(
  tf: Tensorflow,
  hints: readonly Hint[],
  { features, named, targets, weights }: HintBatch,
): Scalar {
  const losses = hints.map((hint, place) => {
    const wanted = { targets: targets(place), weights };
    if (hint.loss === 'relation') {
      return tf.mul(relationLoss(tf, features, wanted), hint.weight);
    }
    const projected = linear(
      tf,
      features,
      parameterOf(named, `hints.${place}.weight`),
      parameterOf(named, `hints.${place}.bias`),
    );
    const loss =
      hint.loss === 'mse'
        ? squaredErrorLoss(tf, projected, wanted)
        : cosineLoss(tf, projected, wanted);
    return tf.mul<Scalar>(loss, hint.weight);
  });
  return tf.addN(losses as Scalar[]);
}

interface HintBatch {
  /** What the student's classifier reads. [rows, width] */
  readonly features: Tensor2D;
  /** All parameters of the step, the projections among them. */
  readonly named: NamedTensors;
  /** Features of the teacher by the place of the hint. [rows, its width] */
  readonly targets: (place: number) => Tensor2D;
  /** [rows]: 1, or 0 for a row without soft label. */
  readonly weights: Tensor1D;
}
