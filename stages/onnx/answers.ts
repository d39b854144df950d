import { Failure } from '#cache/failure.ts';
import type { FeatureTable } from '#datasets/features.ts';
import { answerPlaces } from '#datasets/tokens/token-answers.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import type { Classifier } from './classifier.ts';
import { type TokenRow, tokenRow } from './token-batches.ts';

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

/** Where the answers of each row of a table lie end to end: one a row, or as many as it asks for. [rows + 1] */
export function answersPerRow({ answers, exampleIds }: TokenTable): {
  readonly offsets: Int32Array;
} {
  return (
    answers ?? { offsets: Int32Array.from({ length: exampleIds.length + 1 }, (_, row) => row) }
  );
}

/** What a model reads: tokens, and tensors in their order where the corpus has any. */
export interface AskedRows {
  readonly tokens: TokenTable;
  readonly features?: FeatureTable | undefined;
}

/** Logits of all answers to each of these rows of a table, [answers * classCount] a row. */
export async function answersTo(
  classifier: Classifier,
  { tokens, features }: AskedRows,
  rows: readonly number[],
  classCount: number,
): Promise<Float32Array[]> {
  const batch = rows.map((row) => tokenRow(tokens, row, features));
  if (tokens.answers !== undefined) {
    const places = rows.map((row) => answerPlaces(tokens, row));
    return tokenAnswers(classifier, batch, places, classCount);
  }
  const logits = await classifier.logits(batch);
  requireWidth(logits, batch.length, classCount);
  return batch.map((_, index) => logits.subarray(index * classCount, (index + 1) * classCount));
}

/** Logits at these places of each row, of a model that answers for every token. */
export async function tokenAnswers(
  classifier: Classifier,
  rows: readonly TokenRow[],
  places: readonly ArrayLike<number>[],
  classCount: number,
): Promise<Float32Array[]> {
  const logits = await classifier.logits(rows);
  const length = Math.max(1, ...rows.map(({ tokenIds }) => tokenIds.length));
  requireWidth(logits, rows.length * length, classCount);
  return rows.map((_, row) => {
    const wanted = places[row] ?? [];
    const answers = new Float32Array(wanted.length * classCount);
    for (let index = 0; index < wanted.length; index++) {
      const start = (row * length + (wanted[index] ?? 0)) * classCount;
      answers.set(logits.subarray(start, start + classCount), index * classCount);
    }
    return answers;
  });
}

function requireWidth(logits: Float32Array, rows: number, classCount: number): void {
  if (logits.length === rows * classCount) return;
  throw new LogitWidthError(logits.length / rows, classCount);
}
