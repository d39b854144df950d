import type { ValueTask } from '#datasets/task.ts';
import type { FeedSpec, Feeds } from '#stages/tensorflow/step-program.ts';
import { type Hint, hintFeed } from '#stages/train-student/losses/hints.ts';
import type { SoftLayout } from '#stages/train-student/targets/soft-targets.ts';
import {
  goldFeeds,
  hintFeeds,
  type Slot,
  softFeeds,
} from '#stages/train-student/targets/target-feeds.ts';
import type { TransferRow } from '#stages/train-student/transfer-set.ts';
import { valueFeeds } from '#stages/train-student/values/value-targets.ts';
import type { Batch } from './batches.ts';

/** What decides which inputs a step has and how large they are. */
export interface BatchLayout {
  readonly batchSize: number;
  readonly padTokenId: number;
  readonly dropout: boolean;
  /** null: no soft loss. */
  readonly soft: SoftLayout | null;
  /** Features of the teacher that come with the soft labels. */
  readonly hints?: readonly Hint[] | undefined;
  /** Most gold labels of one row; 0: no hard loss. Of value tasks: the number of outputs. */
  readonly goldPerRow: number;
  /** [classCount]: how much each class counts in the hard loss; left out: all alike. */
  readonly classWeights?: Float32Array;
  /** Set where gold and teacher give numbers and no distribution. */
  readonly valueTask?: ValueTask | undefined;
  /** Tensors of a row, and how many numbers each has. */
  readonly features?: Readonly<Record<string, number>> | undefined;
  /** The student answers for each token; losses take those that are asked for. */
  readonly perToken?: boolean;
  /** Of language models: by sequence length, rows of logits of a step; only asked tokens have one. */
  readonly answersPerBatch?: ReadonlyMap<number, number>;
}

/** Name of the feed of a tensor. */
export function featureFeed(input: string): string {
  return `feature ${input}`;
}

/** What does not come from the rows. */
export interface StepScalars {
  readonly temperature: number;
  readonly softLossWeight: number;
  readonly hardLossWeight: number;
  readonly dropoutSeed: readonly [number, number];
}

/** Inputs of a training step for one sequence length. */
export function trainingFeedSpecs(layout: BatchLayout, bucket: number): FeedSpec[] {
  const { soft, goldPerRow } = layout;
  const answers = answerCount(layout, bucket);
  const specs = inferenceFeedSpecs(layout, bucket);
  const add = (name: string, dtype: FeedSpec['dtype'], shape: number[]): void => {
    specs.push({ name, dtype, shape });
  };
  if (layout.answersPerBatch !== undefined) add('answerAt', 'int32', [answers]);
  if (layout.dropout) add('dropoutSeed', 'int32', [2]);
  if (soft !== null) {
    add('rowWeights', 'float32', [answers]);
    add('temperature', 'float32', []);
    add('softLossWeight', 'float32', []);
    if (soft.type === 'dense') add('teacherLogits', 'float32', [answers, soft.width]);
    else if (soft.type === 'sampled') {
      add('sampleIds', 'int32', [answers, soft.width]);
      add('sampleShares', 'float32', [answers, soft.width]);
    } else {
      add('topIds', 'int32', [answers, soft.width]);
      add('topLogProbs', 'float32', [answers, soft.width]);
      add('tailLogMass', 'float32', [answers]);
    }
    const { hints = [] } = layout;
    for (const [place, { width }] of hints.entries()) {
      add(hintFeed(place), 'float32', [answers, width]);
    }
    if (hints.length > 0) add('hintLossWeight', 'float32', []);
  }
  if (goldPerRow > 0 && layout.valueTask !== undefined) {
    add('goldValues', 'float32', [answers, goldPerRow]);
    add('goldRows', 'float32', [answers]);
    add('hardLossWeight', 'float32', []);
  } else if (goldPerRow > 0) {
    add('goldIds', 'int32', [answers * goldPerRow]);
    add('goldWeights', 'float32', [answers * goldPerRow]);
    add('hardLossWeight', 'float32', []);
  }
  return specs;
}

/** Rows of logits of a step: one a row of the batch, one a token, padding too, or room for all asked tokens. */
function answerCount(layout: BatchLayout, bucket: number): number {
  const { batchSize, perToken, answersPerBatch } = layout;
  return answersPerBatch?.get(bucket) ?? (perToken ? batchSize * bucket : batchSize);
}

function slotsOf({ rows, bucket }: Batch, { answersPerBatch }: BatchLayout): Slot[] {
  const slots = rows.flatMap((row, index): Slot[] => {
    const { answers } = row;
    if (answers === undefined) return [{ place: index, gold: row.gold, soft: row.soft }];
    return answers.map(({ at, gold, soft }) => {
      const token = index * bucket + at;
      return { place: token, token, gold, soft };
    });
  });
  // Side by side where the step computes logits of the asked tokens alone.
  return answersPerBatch === undefined ? slots : slots.map((slot, place) => ({ ...slot, place }));
}

/** Room that is left over asks for the first token, with weight 0. */
function askedTokens(slots: readonly Slot[], answers: number): Int32Array {
  const answerAt = new Int32Array(answers);
  for (const { place, token = 0 } of slots) answerAt[place] = token;
  return answerAt;
}

/** Inputs of a forward pass for one sequence length. */
export function inferenceFeedSpecs(
  { batchSize, features = {} }: Pick<BatchLayout, 'batchSize' | 'features'>,
  bucket: number,
): FeedSpec[] {
  return [
    { name: 'inputIds', dtype: 'int32', shape: [batchSize * bucket] },
    { name: 'lengths', dtype: 'int32', shape: [batchSize] },
    ...Object.entries(features).map(
      ([input, size]): FeedSpec => ({
        name: featureFeed(input),
        dtype: 'float32',
        shape: [batchSize, size],
      }),
    ),
  ];
}

/** Values of a training step. Fresh arrays each time: tensors share their memory. */
export function trainingFeeds(batch: Batch, layout: BatchLayout, scalars: StepScalars): Feeds {
  const slots = slotsOf(batch, layout);
  const answers = answerCount(layout, batch.bucket);
  return {
    ...inferenceFeeds(batch.rows, batch.bucket, layout),
    ...(layout.answersPerBatch !== undefined && { answerAt: askedTokens(slots, answers) }),
    ...(layout.dropout && { dropoutSeed: Int32Array.from(scalars.dropoutSeed) }),
    ...(layout.soft !== null && {
      ...softFeeds(slots, answers, layout.soft),
      ...hintFeeds(slots, answers, layout.hints ?? []),
      temperature: Float32Array.of(scalars.temperature),
      softLossWeight: Float32Array.of(scalars.softLossWeight),
    }),
    ...(layout.goldPerRow > 0 && {
      ...(layout.valueTask === undefined
        ? goldFeeds(slots, answers, layout.goldPerRow)
        : valueFeeds(batch.rows, { ...layout, outputs: layout.goldPerRow })),
      hardLossWeight: Float32Array.of(scalars.hardLossWeight),
    }),
  };
}

/** What a student reads of a row. */
export type InputRow = Pick<TransferRow, 'tokenIds' | 'features'>;

/** Token ids padded to the bucket, and tensors. A missing row is one padding token long: nothing divides by 0. */
export function inferenceFeeds(
  rows: readonly InputRow[],
  bucket: number,
  {
    batchSize,
    padTokenId,
    features = {},
  }: Pick<BatchLayout, 'batchSize' | 'padTokenId' | 'features'>,
): Feeds {
  const inputIds = new Int32Array(batchSize * bucket).fill(padTokenId);
  const lengths = new Int32Array(batchSize).fill(1);
  for (const [row, { tokenIds }] of rows.entries()) {
    inputIds.set(tokenIds, row * bucket);
    lengths[row] = tokenIds.length;
  }
  const tensors = Object.entries(features).map(([input, size]) => {
    const values = new Float32Array(batchSize * size);
    for (const [row, one] of rows.entries()) values.set(one.features?.[input] ?? [], row * size);
    return [featureFeed(input), values] as const;
  });
  return { inputIds, lengths, ...Object.fromEntries(tensors) };
}
