import { Failure } from '#cache/failure.ts';
import type { FeatureTable } from '#datasets/features.ts';
import type { TokenTable } from '#datasets/tokens.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';
import { lengthBatches, tokenRow } from '#stages/onnx/token-batches.ts';
import type { StageEvent } from '#stages/stage.ts';
import { type Scores, scoresFromLogits } from './scores.ts';

/** What a model reads of the test rows. */
export interface TestRows {
  readonly tokens: TokenTable;
  /** In the order of the tokens, where the corpus has tensors. */
  readonly features?: FeatureTable;
}

/** The model gives another number of logits than there are classes. */
export class LogitWidthError extends Failure {
  constructor(found: number, classCount: number) {
    super(
      'model',
      'E_LOGIT_WIDTH',
      `the model gives ${found} logits a row; classes.json names ${classCount} classes`,
      'train the student again on these classes: decant run --from train-student',
    );
  }
}

/** Runs the model over all rows, rows of like length together; tells progress once a batch. */
export async function* studentScores(
  classifier: Classifier,
  { tokens, features }: TestRows,
  { classCount, signal }: { classCount: number; signal: AbortSignal },
): AsyncGenerator<StageEvent, Scores, void> {
  const rowCount = tokens.exampleIds.length;
  const logits = new Float32Array(rowCount * classCount);
  const rows = Array.from({ length: rowCount }, (_, row) => row);
  let done = 0;
  for (const batch of lengthBatches(tokens, rows, BATCH_SIZE, features)) {
    signal.throwIfAborted();
    const batchLogits = await classifier.logits(
      batch.map((row) => tokenRow(tokens, row, features)),
    );
    requireWidth(batchLogits, batch.length, classCount);
    batch.forEach((row, index) => {
      const own = batchLogits.subarray(index * classCount, (index + 1) * classCount);
      logits.set(own, row * classCount);
    });
    done += batch.length;
    yield { type: 'progress', done, total: rowCount, unit: 'rows' };
  }
  return scoresFromLogits(tokens.exampleIds, logits, classCount);
}

function requireWidth(logits: Float32Array, rows: number, classCount: number): void {
  if (logits.length === rows * classCount) return;
  throw new LogitWidthError(logits.length / rows, classCount);
}

const BATCH_SIZE = 32;
