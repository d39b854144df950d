import { answersOf } from '#datasets/tokens/token-answers.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import { tokenLengths } from '#stages/train-student/batches/token-rows.ts';

/** The token that is right at each asked place of a table. */
export function originalsOf(tokens: StoredTokens): Int32Array {
  const { originals } = answersOf(tokens);
  if (originals !== undefined) return originals;
  throw new Error(`the tokens of ${tokens.exampleIds.length} examples do not say which are right`);
}

/** The same by example id and position: the text is the gold label of a language model. */
export function goldOfText(tokens: StoredTokens): Map<string, Int32Array> {
  const { positions, offsets } = answersOf(tokens);
  const originals = originalsOf(tokens);
  const rows = tokens.exampleIds.map((exampleId, row): [string, Int32Array] => {
    const [from = 0, to = 0] = offsets.subarray(row, row + 2);
    const gold = new Int32Array(to > from ? (positions[to - 1] ?? -1) + 1 : 0).fill(-1);
    for (let answer = from; answer < to; answer++) {
      gold[positions[answer] ?? 0] = originals[answer] ?? -1;
    }
    return [exampleId, gold];
  });
  return new Map(rows);
}

/**
 * By sequence length, how many tokens are asked of a batch at most: those of the rows with the most among all
 * that may be padded to it, and room for a row of which every token is asked. A recorded step has one size.
 */
export function answersPerBatch(
  tokens: StoredTokens,
  { buckets, batchSize }: { readonly buckets: readonly number[]; readonly batchSize: number },
): Map<number, number> {
  const { offsets } = answersOf(tokens);
  const rows = tokenLengths(tokens).map((length, row) => ({
    length,
    asked: (offsets[row + 1] ?? 0) - (offsets[row] ?? 0),
  }));
  const sizes = buckets.map((bucket): [number, number] => {
    const most = rows
      .filter(({ length }) => length <= bucket)
      .map(({ asked }) => asked)
      .sort((a, b) => b - a)
      .slice(0, batchSize);
    return [
      bucket,
      Math.max(
        bucket,
        most.reduce((sum, asked) => sum + asked, 0),
      ),
    ];
  });
  return new Map(sizes);
}
