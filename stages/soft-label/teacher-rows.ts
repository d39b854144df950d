import type { Split } from '#datasets/example.ts';
import type { FeatureRow } from '#datasets/features.ts';

/** One row of the corpus as the teacher will see it. */
export interface TeacherRow {
  readonly exampleId: string;
  readonly split: Split;
  readonly sourceId: string | null;
  /** For messages about the row, never for the teacher; null where the store keeps no texts. */
  readonly text: string | null;
  readonly tokenIds: Int32Array;
  readonly typeIds: Int32Array | null;
  /** What the decoder reads, where a target is given; `answers` are places in it. */
  readonly targetIds?: Int32Array | undefined;
  /** Of a task with an answer for each word or token; left out where the example has one. */
  readonly answers?: RowAnswers | undefined;
  /** Of a text that is read in windows: which one of how many this row is. */
  readonly window?: { readonly index: number; readonly of: number };
  /** Tensors of the row by model input, where the corpus has any. */
  readonly features?: FeatureRow | undefined;
  /** Of rows with tensors and no text: what stands in for the number of tokens. */
  readonly steps?: number | undefined;
}

/** Which tokens of a row are answered for. */
export interface RowAnswers {
  /** Places in `tokenIds`, or in `targetIds` where there are any. */
  readonly at: Int32Array;
  /** What each answer is called in the cache. */
  readonly positions: Int32Array;
}

/** How many rows of soft labels an example has. */
export function answerCount({ answers }: Pick<TeacherRow, 'answers'>): number {
  return answers?.at.length ?? 1;
}

/** What a row costs, in tokens: those of the longer of the two texts that a model pads, or what stands in for them. */
export function rowLength({
  tokenIds,
  targetIds,
  steps,
}: Pick<TeacherRow, 'tokenIds' | 'targetIds' | 'steps'>): number {
  return steps ?? Math.max(tokenIds.length, targetIds?.length ?? 0);
}

/** The same row by itself: the tables that it is a place in may go. */
export function detached(row: TeacherRow): TeacherRow {
  const { exampleId, split, sourceId, text, steps, window, answers, features } = row;
  return {
    exampleId,
    split,
    sourceId,
    text,
    tokenIds: row.tokenIds.slice(),
    typeIds: row.typeIds && row.typeIds.slice(),
    targetIds: row.targetIds?.slice(),
    answers: answers && { at: answers.at.slice(), positions: answers.positions.slice() },
    ...(window && { window }),
    features:
      features &&
      Object.fromEntries(Object.entries(features).map(([name, values]) => [name, values.slice()])),
    steps,
  };
}
