import { answersOf } from '#datasets/tokens/token-answers.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { AskedRow, LanguageModel, TokenAnswers } from './language-model.ts';
import { lengthBatches, tokenRow } from './token-batches.ts';

/** Asks a language model about every asked token of a table, in its order; tells progress once a batch. */
export async function* askTokens(
  model: LanguageModel,
  tokens: TokenTable,
  { classCount, signal }: { readonly classCount: number; readonly signal: AbortSignal },
): AsyncGenerator<StageEvent, TokenAnswers, void> {
  const { offsets, at, originals } = answersOf(tokens);
  const said = {
    bestIds: new Int32Array(at.length),
    bestLogProbs: new Float32Array(at.length),
    goldLogProbs: new Float32Array(at.length),
  };
  const asking = [...tokens.exampleIds.keys()].filter((row) => offsets[row] !== offsets[row + 1]);
  let done = 0;
  for (const batch of lengthBatches(tokens, asking, languageBatchSize(tokens, classCount))) {
    signal.throwIfAborted();
    const rows = batch.map((row): AskedRow => {
      const [from, to] = offsets.subarray(row, row + 2);
      return {
        ...tokenRow(tokens, row),
        at: at.subarray(from, to),
        originals: originals?.subarray(from, to) ?? [],
      };
    });
    const answers = await model.answers(rows);
    let first = 0;
    for (const row of batch) {
      const place = offsets[row] ?? 0;
      const last = first + (offsets[row + 1] ?? 0) - place;
      said.bestIds.set(answers.bestIds.subarray(first, last), place);
      said.bestLogProbs.set(answers.bestLogProbs.subarray(first, last), place);
      said.goldLogProbs.set(answers.goldLogProbs.subarray(first, last), place);
      first = last;
    }
    done += batch.length;
    yield { type: 'progress', done, total: asking.length, unit: 'rows' };
  }
  return said;
}

/** 32 rows, or as many as have their logits of all tokens in 256 MB. */
export function languageBatchSize({ maxLength }: TokenTable, classCount: number): number {
  return Math.max(1, Math.min(32, Math.floor(2 ** 26 / (maxLength * classCount))));
}
