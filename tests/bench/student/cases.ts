import { randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import type { Feeds, StepProgram } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batches/batch-feeds.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';

/** One student at one length of its rows. Plain data: the Python side reads it as JSON. */
export interface StepCase {
  readonly architecture: 'bert' | 'modernbert';
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly dropout: number;
  readonly maxLength: number;
  readonly vocabularySize: number;
  readonly classCount: number;
  readonly batchSize: number;
  readonly topK: number;
  /** false: cross-entropy alone, what a plain fine-tuning does. */
  readonly isDistilled: boolean;
}

const SIZES = [
  [2, 128],
  [4, 256],
  [3, 384],
] as const;

/** BERT and ModernBERT as this product trains them by default, rows of 32 and of 128 tokens. */
export const stepCases: readonly StepCase[] = (['modernbert', 'bert'] as const).flatMap(
  (architecture) =>
    SIZES.flatMap(([layers, hiddenSize]) =>
      [32, 128].map((maxLength) => stepCase(architecture, { layers, hiddenSize, maxLength })),
    ),
);

/** A case, with the defaults of its architecture. */
export function stepCase(
  architecture: StepCase['architecture'],
  changes: Partial<StepCase> & Pick<StepCase, 'layers' | 'hiddenSize' | 'maxLength'>,
): StepCase {
  const { hiddenSize } = changes;
  return {
    architecture,
    heads: hiddenSize / 64,
    intermediateSize: (architecture === 'bert' ? 4 : 2) * hiddenSize,
    dropout: architecture === 'bert' ? 0.1 : 0,
    vocabularySize: 2400,
    classCount: 77,
    batchSize: 32,
    topK: 10,
    isDistilled: true,
    ...changes,
  };
}

/** Such as `bert 2x128, length 32`. */
export function nameOf({ architecture, layers, hiddenSize, maxLength }: StepCase): string {
  return `${architecture} ${layers}x${hiddenSize}, length ${maxLength}`;
}

/** The training step of a case: soft and hard loss, clipping, AdamW. */
export function programOf(given: StepCase, { xla = false } = {}): StepProgram {
  const architecture = architectureOf(given.architecture);
  const shape: StudentShape = { ...given, padTokenId: 0, clsTokenId: 1, sepTokenId: 2 };
  return studentProgram({
    architecture,
    shape,
    initialWeights: initialise(architecture.parameters(shape), 1),
    layout: layoutOf(given),
    buckets: [given.maxLength],
    settings: { labelSmoothing: 0, weightDecay: 0.01, maxGradNorm: 1, xla },
  });
}

/** A random batch of full rows: no padding, so that every implementation does the same work. */
export function batchOf(given: StepCase, index: number): Feeds {
  const { batchSize, maxLength, vocabularySize, classCount, topK } = given;
  const random = randomFor(index, 'batch');
  const below = (count: number, limit: number) =>
    Int32Array.from({ length: count }, () => Math.floor(random() * limit));
  const even = -Math.log(topK + 1);
  const feeds: Record<string, Int32Array | Float32Array> = {
    inputIds: below(batchSize * maxLength, vocabularySize),
    lengths: new Int32Array(batchSize).fill(maxLength),
    dropoutSeed: Int32Array.of(1, index),
    rowWeights: new Float32Array(batchSize).fill(1),
    temperature: Float32Array.of(2),
    softLossWeight: Float32Array.of(0.9),
    hardLossWeight: Float32Array.of(given.isDistilled ? 0.1 : 1),
    topIds: Int32Array.from({ length: batchSize * topK }, (_, i) => (7 * i) % classCount),
    topLogProbs: new Float32Array(batchSize * topK).fill(even),
    tailLogMass: new Float32Array(batchSize).fill(even),
    goldIds: below(batchSize, classCount),
    goldWeights: new Float32Array(batchSize).fill(1),
  };
  const names = trainingFeedSpecs(layoutOf(given), maxLength).map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, feeds[name] ?? new Float32Array()]));
}

/**
 * Floating-point operations of the matrix products of a step: two a weight and token, forwards once and backwards
 * twice. `onlyFirst`: the last layer of a BERT computes the one query that is pooled, as ours does.
 */
export function productFlops(
  given: StepCase,
  { onlyFirst }: { readonly onlyFirst: boolean },
): number {
  const { layers, hiddenSize: h, intermediateSize: i, maxLength, batchSize, architecture } = given;
  const isBert = architecture === 'bert';
  const keysAndValues = 2 * h * h;
  const ofQuery = 2 * h * h + (isBert ? 2 : 3) * h * i + 2 * maxLength * h;
  const last = isBert && onlyFirst ? ofQuery / maxLength : ofQuery;
  const perToken = layers * keysAndValues + (layers - 1) * ofQuery + last;
  return 3 * 2 * batchSize * maxLength * perToken;
}

function layoutOf({ batchSize, dropout, isDistilled, topK }: StepCase): BatchLayout {
  return {
    batchSize,
    padTokenId: 0,
    dropout: dropout > 0,
    soft: isDistilled ? { type: 'top-k', width: topK } : null,
    goldPerRow: 1,
  };
}
