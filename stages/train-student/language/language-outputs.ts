import type { Predictions } from '#datasets/predictions.ts';
import type { ProbeInput } from '#datasets/probe.ts';
import { answeredExamples, answerPlaces, answersOf } from '#datasets/tokens/token-answers.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import { tokenIdsOf } from '#stages/train-student/batches/token-rows.ts';
import type { TokenScores } from './language-predictions.ts';
import { probedClasses } from './language-step.ts';

/** What a language model says at each asked token: the likeliest one. Its logits would be gigabytes. */
export function tokenPredictions(tokens: StoredTokens, scores: TokenScores): Predictions {
  return {
    rowCount: scores.bestIds.length,
    exampleIds: answeredExamples(tokens),
    positions: answersOf(tokens).positions,
    predictedIds: scores.bestIds,
    confidence: scores.bestLogProbs.map(Math.exp),
    logits: new Float32Array(),
  };
}

/** Rows spread over the table, with the logits of some classes at the first asked tokens of each. */
export function tokenProbe(
  tokens: StoredTokens,
  { probed }: TokenScores,
  classCount: number,
): ProbeInput[] {
  const classIds = probedClasses(classCount);
  const { offsets } = answersOf(tokens);
  const asking = [...tokens.exampleIds.keys()].filter((row) => offsets[row] !== offsets[row + 1]);
  const taken = Math.min(PROBE_ROWS, asking.length);
  return Array.from({ length: taken }, (_, place) => {
    const row = asking[Math.floor((place * asking.length) / taken)] ?? 0;
    const answerAt = [...answerPlaces(tokens, row)].slice(0, PROBE_ANSWERS);
    const from = (offsets[row] ?? 0) * classIds.length;
    return {
      exampleId: tokens.exampleIds[row] ?? '',
      tokenIds: [...tokenIdsOf(tokens, row)],
      answerAt,
      classIds: [...classIds],
      logits: [...probed.subarray(from, from + answerAt.length * classIds.length)],
    };
  });
}

const PROBE_ROWS = 32;
const PROBE_ANSWERS = 4;
