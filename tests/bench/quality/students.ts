import { join } from 'node:path';

/** A student of the quality benchmark, and PyTorch's test accuracy in % of the same recipe. */
export interface QualityStudent {
  readonly corpus: 'banking77' | 'polarity';
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the cache keeps, where it is not the usual. */
  readonly softLabel?: Readonly<Record<string, unknown>>;
  /** Variants to train; USUAL_VARIANTS where left out. */
  readonly variants?: readonly string[];
  /** The reference had other rows and another teacher: PyTorch has to be asked about ours. */
  readonly ownRows?: boolean;
  /** Mean of three seeds; README of ../shared/sample. */
  readonly pytorch: Readonly<Record<string, number>>;
}

export const qualityStudents: Readonly<Record<string, QualityStudent>> = {
  modernbert: {
    corpus: 'banking77',
    settings: { architecture: 'modernbert', layers: 2, hiddenSize: 128, dropout: 0.1, steps: 1500 },
    pytorch: { 'gold-only': 85.5, 'label-smoothing': 85.0, distilled: 89.5 },
  },
  bert: {
    corpus: 'banking77',
    settings: { architecture: 'bert', layers: 2, hiddenSize: 128, steps: 1500 },
    pytorch: { 'gold-only': 84.5, distilled: 88.8 },
  },
  bag: {
    corpus: 'banking77',
    settings: { architecture: 'bag', hiddenSize: 128, steps: 4000 },
    pytorch: { 'gold-only': 83.7, 'label-smoothing': 86.1, distilled: 88.9 },
  },
  textcnn: {
    corpus: 'banking77',
    settings: { architecture: 'textcnn', hiddenSize: 128, steps: 1500 },
    pytorch: { 'gold-only': 86.4, 'label-smoothing': 87.9, distilled: 88.5 },
  },
  // B of the reference: layers 0, 2 and 4 of the teacher, which is a MiniLM.
  half: {
    corpus: 'banking77',
    settings: {
      architecture: 'bert',
      layers: 3,
      hiddenSize: 384,
      heads: 12,
      intermediateSize: 1536,
      steps: 700,
      learningRate: 1e-4,
      initialise: { from: 'teacher', layers: [0, 2, 4] },
    },
    variants: ['gold-only', 'distilled'],
    pytorch: { 'gold-only': 89.0, distilled: 89.4 },
  },
  // S of the reference, as a student that Hugging Face loads.
  svd: {
    corpus: 'banking77',
    settings: {
      architecture: 'modernbert',
      dropout: 0.1,
      steps: 1500,
      initialise: { from: 'teacher', take: 'embeddings' },
    },
    variants: ['gold-only', 'distilled'],
    pytorch: { 'gold-only': 86.5, distilled: 89.6 },
  },
  // The recipe for the most below a million weights.
  best: {
    corpus: 'banking77',
    settings: { architecture: 'textcnn', hiddenSize: 192, steps: 3000 },
    variants: ['gold-only', 'distilled'],
    pytorch: {},
  },
  // Five classes a row: with the tail as a bucket, and in a softmax that knows no other class.
  kept: {
    corpus: 'banking77',
    settings: { architecture: 'bag', hiddenSize: 128, steps: 4000 },
    softLabel: { topK: 5 },
    variants: ['soft-only', 'restricted'],
    pytorch: { 'soft-only': 88.3, restricted: 68.4 },
  },
  polarity: {
    corpus: 'polarity',
    settings: { architecture: 'bag', hiddenSize: 128, steps: 1500, learningRate: 1e-3 },
    variants: ['gold-only', 'distilled'],
    ownRows: true,
    pytorch: { 'gold-only': 73.5, distilled: 78.2 },
  },
};

/** Ways to train each of them. */
export const qualityVariants: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'gold-only': { softLossWeight: 0, hardLossWeight: 1 },
  'label-smoothing': { softLossWeight: 0, hardLossWeight: 1, labelSmoothing: 0.1 },
  distilled: { temperature: 2, softLossWeight: 0.9, hardLossWeight: 0.1 },
  'soft-only': { temperature: 2, softLossWeight: 1, hardLossWeight: 0 },
  restricted: {
    temperature: 2,
    softLossWeight: 1,
    hardLossWeight: 0,
    softLoss: { module: join(import.meta.dirname, 'restricted-softmax.ts') },
  },
  relabelled: { initFrom: 'distilled', labels: 'hard-relabel' },
  // The same extra steps without new labels: what relabelling has to beat.
  control: { initFrom: 'distilled', temperature: 2, softLossWeight: 0.9, hardLossWeight: 0.1 },
};

export const USUAL_VARIANTS: readonly string[] = Object.keys(qualityVariants).filter(
  (variant) => variant !== 'soft-only' && variant !== 'restricted',
);
