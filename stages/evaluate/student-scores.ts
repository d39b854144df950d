import type { FeatureTable } from '#datasets/features.ts';
import { answeredExamples } from '#datasets/tokens/token-answers.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import { answersPerRow, answersTo } from '#stages/onnx/answers.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';
import { lengthBatches } from '#stages/onnx/token-batches.ts';
import type { StageEvent } from '#stages/stage.ts';
import { type Scores, scoresFromLogits } from './scores.ts';

/** What a model reads of the test rows. */
export interface TestRows {
  readonly tokens: TokenTable;
  /** In the order of the tokens, where the corpus has tensors. */
  readonly features?: FeatureTable;
}

/** Runs the model over all rows, rows of like length together; tells progress once a batch. A score a row, or an answer. */
export async function* studentScores(
  classifier: Classifier,
  { tokens, features }: TestRows,
  { classCount, signal }: { classCount: number; signal: AbortSignal },
): AsyncGenerator<StageEvent, Scores, void> {
  const rowCount = tokens.exampleIds.length;
  const { offsets } = answersPerRow(tokens);
  const logits = new Float32Array((offsets.at(-1) ?? 0) * classCount);
  const rows = Array.from({ length: rowCount }, (_, row) => row);
  let done = 0;
  for (const batch of lengthBatches(tokens, rows, BATCH_SIZE, features)) {
    signal.throwIfAborted();
    const answers = await answersTo(classifier, { tokens, features }, batch, classCount);
    batch.forEach((row, index) => {
      logits.set(answers[index] ?? [], (offsets[row] ?? 0) * classCount);
    });
    done += batch.length;
    yield { type: 'progress', done, total: rowCount, unit: 'rows' };
  }
  const ids = tokens.answers === undefined ? tokens.exampleIds : answeredExamples(tokens);
  const scores = scoresFromLogits(ids, logits, classCount);
  return tokens.answers === undefined ? scores : { ...scores, positions: tokens.answers.positions };
}

const BATCH_SIZE = 32;
