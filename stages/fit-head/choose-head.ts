import { Failure } from '#cache/failure.ts';
import { lbfgs } from '#stages/numerics/lbfgs.ts';
import {
  type Fit,
  fitOf,
  type LabelledFeatures,
  softmaxRegression,
} from '#stages/numerics/softmax-regression.ts';
import type { LinearHead } from '#stages/onnx/sentence-embedding.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { LabelledRows } from './embed-labelled.ts';
import { type Scaling, scaled, scalingOf } from './scaling.ts';

/** One strength of regularisation, and how the head that it gives fares on validation. */
export interface Candidate extends Fit {
  readonly l2: number;
  readonly iterations: number;
}

/** A fitted head and how it was chosen. */
export interface HeadFit {
  readonly head: LinearHead;
  readonly chosen: Candidate;
  readonly candidates: readonly Candidate[];
  /** Share of the validation rows that the most frequent class has. */
  readonly majority: number;
  readonly trainRows: number;
  readonly validationRows: number;
}

/** The encoder gives vectors that are no numbers. */
export class EmbeddingError extends Failure {
  constructor(split: string) {
    super(
      'model',
      'E_TEACHER_NAN',
      `the encoder gives NaN or infinite numbers for ${split} rows`,
      'check the model in float32: float16 overflow is the usual cause',
    );
  }
}

/**
 * Fits from strong to weak regularisation, each from where the last one ended, and takes the one that gives
 * the labels of validation the most probability: soft labels are to be believed, not only to be right.
 */
export async function* chooseHead(
  { train, validation }: LabelledRows,
  classCount: number,
  signal: AbortSignal,
): AsyncGenerator<StageEvent, HeadFit, void> {
  requireFinite('train', train);
  requireFinite('validation', validation);
  const scaling = scalingOf(train);
  const [known, unseen] = [scaled(train, scaling), scaled(validation, scaling)];
  let parameters = new Float64Array(classCount * (train.width + 1));
  const tried: { readonly candidate: Candidate; readonly parameters: Float64Array }[] = [];
  for (const [index, l2] of STRENGTHS.entries()) {
    let iterations = 0;
    const steps = lbfgs(softmaxRegression(known, classCount, l2), parameters, STOP);
    for (;;) {
      signal.throwIfAborted();
      const next = steps.next();
      if (next.done === true) {
        parameters = Float64Array.from(next.value);
        break;
      }
      iterations += 1;
      // An iteration over many rows takes long: the process has to hear of a request to stop.
      await new Promise(setImmediate);
      const detail = `l2 ${l2}, loss ${next.value.toFixed(4)}`;
      yield { type: 'progress', done: index, total: STRENGTHS.length, unit: 'fits', detail };
    }
    const candidate = { l2, iterations, ...fitOf(parameters, unseen, classCount) };
    tried.push({ candidate, parameters });
    if (gotWorse(tried.map((one) => one.candidate))) break;
  }
  const [best] = tried.toSorted(
    (a, b) => a.candidate.negativeLogLikelihood - b.candidate.negativeLogLikelihood,
  );
  if (best === undefined) throw new Error('no regularisation was tried');
  return {
    head: headOf(best.parameters, scaling, classCount),
    chosen: best.candidate,
    candidates: tried.map(({ candidate }) => candidate),
    majority: majorityOf(validation),
    trainRows: rowCount(train),
    validationRows: rowCount(validation),
  };
}

/** Less regularisation has made it worse twice in a row. */
function gotWorse(candidates: readonly Candidate[]): boolean {
  const [a, b, c] = candidates.slice(-3).map(({ negativeLogLikelihood }) => negativeLogLikelihood);
  return a !== undefined && b !== undefined && c !== undefined && a < b && b < c;
}

/** Undoes the scaling, so that the head takes vectors as the encoder gives them. */
function headOf(parameters: Float64Array, { means, scales }: Scaling, classCount: number) {
  const width = means.length;
  const weights = new Float32Array(width * classCount);
  const bias = new Float32Array(classCount);
  for (let c = 0; c < classCount; c++) {
    const start = c * (width + 1);
    let offset = parameters[start + width] ?? 0;
    for (let i = 0; i < width; i++) {
      const weight = (parameters[start + i] ?? 0) * (scales[i] ?? 0);
      weights[i * classCount + c] = weight;
      offset -= weight * (means[i] ?? 0);
    }
    bias[c] = offset;
  }
  return { weights, bias };
}

function majorityOf({ labels }: LabelledFeatures): number {
  const counts = new Map<number, number>();
  let total = 0;
  for (const { classId, weight } of labels) {
    counts.set(classId, (counts.get(classId) ?? 0) + weight);
    total += weight;
  }
  return Math.max(...counts.values()) / total;
}

function rowCount({ labels }: LabelledFeatures): number {
  return new Set(labels.map(({ row }) => row)).size;
}

function requireFinite(split: string, { features }: LabelledFeatures): void {
  if (!features.every(Number.isFinite)) throw new EmbeddingError(split);
}

/** l2 of vectors with mean 0 and variance 1, where the loss is a mean over the rows. */
const STRENGTHS = [1, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5];

const STOP = { maxIterations: 200, gradientTolerance: 1e-6, valueTolerance: 1e-5 };
