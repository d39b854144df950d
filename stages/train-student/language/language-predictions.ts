import { setImmediate as nextTurn } from 'node:timers/promises';
import { answerPlaces, answersOf } from '#datasets/tokens/token-answers.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { inferenceFeeds } from '#stages/train-student/batches/batch-feeds.ts';
import { bucketIndexOf } from '#stages/train-student/batches/buckets.ts';
import { tokenIdsOf, tokenLengths } from '#stages/train-student/batches/token-rows.ts';
import type { PredictOptions } from '#stages/train-student/predict-rows.ts';
import { probedClasses, SCORE_WIDTH } from './language-step.ts';
import { originalsOf } from './language-targets.ts';

/** What a language model says at each asked token of a table, in its order. */
export interface TokenScores {
  /** The likeliest token. */
  readonly bestIds: Int32Array;
  /** Its log-probability, and that of the token that is right. */
  readonly bestLogProbs: Float32Array;
  readonly goldLogProbs: Float32Array;
  /** Logits of the probed classes. [answers * probedClasses(classCount).length] */
  readonly probed: Float32Array;
}

/** Asks the student about every asked token, rows of like length together. */
export async function predictTokens(
  stepper: Stepper,
  tokens: StoredTokens,
  options: PredictOptions & { readonly answersPerBatch: ReadonlyMap<number, number> },
): Promise<TokenScores> {
  const { offsets } = answersOf(tokens);
  const originals = originalsOf(tokens);
  const count = offsets.at(-1) ?? 0;
  const probedCount = probedClasses(options.classCount).length;
  const scores = {
    bestIds: new Int32Array(count),
    bestLogProbs: new Float32Array(count),
    goldLogProbs: new Float32Array(count),
    probed: new Float32Array(count * probedCount),
  };
  for (const { bucket, rows } of packedRows(tokens, options)) {
    // A turn of the event loop, so that an abort that came in is seen.
    await nextTurn();
    options.signal.throwIfAborted();
    const inputs = rows.map((row) => ({ tokenIds: tokenIdsOf(tokens, row) }));
    const capacity = options.answersPerBatch.get(bucket) ?? 0;
    const answerAt = new Int32Array(capacity);
    const goldIds = new Int32Array(capacity);
    const asked = rows.flatMap((row, index) =>
      Array.from(answerPlaces(tokens, row), (at, number) => ({
        place: index * bucket + at,
        answer: (offsets[row] ?? 0) + number,
      })),
    );
    for (const [slot, { place, answer }] of asked.entries()) {
      answerAt[slot] = place;
      goldIds[slot] = originals[answer] ?? 0;
    }
    const feeds = { ...inferenceFeeds(inputs, bucket, options), answerAt, goldIds };
    const values = stepper.evaluate(bucket, feeds);
    const width = SCORE_WIDTH + probedCount;
    for (const [slot, { answer }] of asked.entries()) {
      const [best = -1, bestLogProb = NaN, goldLogProb = NaN] = values.subarray(slot * width);
      scores.bestIds[answer] = best;
      scores.bestLogProbs[answer] = bestLogProb;
      scores.goldLogProbs[answer] = goldLogProb;
      const probed = values.subarray(slot * width + SCORE_WIDTH, (slot + 1) * width);
      scores.probed.set(probed, answer * probedCount);
    }
  }
  return scores;
}

/** Rows that ask for something, in batches that no more tokens are asked of than a step has room for. */
function* packedRows(
  tokens: StoredTokens,
  {
    buckets,
    batchSize,
    answersPerBatch,
  }: Pick<PredictOptions, 'buckets' | 'batchSize'> & {
    readonly answersPerBatch: ReadonlyMap<number, number>;
  },
): Generator<{ readonly bucket: number; readonly rows: readonly number[] }, void, void> {
  const { offsets } = answersOf(tokens);
  const lengths = tokenLengths(tokens);
  for (const [index, bucket] of buckets.entries()) {
    let rows: number[] = [];
    let asked = 0;
    for (const [row, length] of lengths.entries()) {
      const own = (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
      if (own === 0 || bucketIndexOf(length, buckets) !== index) continue;
      if (rows.length === batchSize || asked + own > (answersPerBatch.get(bucket) ?? 0)) {
        yield { bucket, rows };
        [rows, asked] = [[], 0];
      }
      rows.push(row);
      asked += own;
    }
    if (rows.length > 0) yield { bucket, rows };
  }
}
