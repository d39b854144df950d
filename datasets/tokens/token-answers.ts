import type { StoredTokens, TokenAnswers } from './tokens.ts';

/** What an answer is known by where an example has several: no two of a split are equal. */
export function answerKey(exampleId: string, position: number): string {
  return `${exampleId}:${position}`;
}

/** The answers of a table whose task has one for each word or token. */
export function answersOf({ answers, exampleIds }: StoredTokens): TokenAnswers {
  if (answers !== undefined) return answers;
  throw new Error(`the tokens of ${exampleIds.length} examples do not say which are answered for`);
}

/** Example id of each answer. */
export function answeredExamples(table: StoredTokens): string[] {
  const { offsets } = answersOf(table);
  return table.exampleIds.flatMap((exampleId, row) =>
    Array.from({ length: (offsets[row + 1] ?? 0) - (offsets[row] ?? 0) }, () => exampleId),
  );
}

/** Keys of all answers, in their order. */
export function answerKeys(table: StoredTokens): readonly string[] {
  const { positions } = answersOf(table);
  return answeredExamples(table).map((exampleId, row) =>
    answerKey(exampleId, positions[row] ?? -1),
  );
}

/** Places of the answers of one row among its tokens, as a view. */
export function answerPlaces(table: StoredTokens, row: number): Int32Array {
  const { at, offsets } = answersOf(table);
  return at.subarray(offsets[row], offsets[row + 1]);
}

/** What rows are joined by: their example, and which answer of it where it has several. */
export function rowKeys(rows: {
  readonly exampleIds: readonly string[];
  readonly positions?: Int32Array;
}): readonly string[] {
  const { exampleIds, positions } = rows;
  if (positions === undefined) return exampleIds;
  return exampleIds.map((exampleId, row) => answerKey(exampleId, positions[row] ?? -1));
}
