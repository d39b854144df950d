import type { FeatureRow } from './features.ts';

/** The parts of a corpus: the student learns from `train`, choices are made on `validation`, `test` only measures. */
export const SPLITS = ['train', 'validation', 'test'] as const;

export type Split = (typeof SPLITS)[number];

/** Is this text the name of a split? */
export function isSplit(text: unknown): text is Split {
  return SPLITS.some((split) => split === text);
}

/** One distinct input of the corpus. */
export interface Example {
  /** Hash of what is tokenised, 32 hex digits; the key of every join. */
  readonly exampleId: string;
  readonly split: Split;
  /** The user's own id of the row, for people; never a key. */
  readonly sourceId: string | null;
  readonly text: string;
  /** Second text of a pair task. */
  readonly textPair: string | null;
  /** What is tokenised in place of the text, where the corpus gives words. Not stored. */
  readonly words?: readonly string[];
  /** How many equal corpus rows it stands for. */
  readonly weight: number;
  /** Its tensors by model input, where it has any. */
  readonly features?: FeatureRow;
  /** What it has in columns that are kept for slices. Not stored with it. */
  readonly kept?: Readonly<Record<string, string | null>>;
}

/** An example as the store keeps it: without its texts where `privacy.storeTexts` is false. */
export interface StoredExample extends Omit<Example, 'text' | 'words' | 'kept'> {
  readonly text: string | null;
}
