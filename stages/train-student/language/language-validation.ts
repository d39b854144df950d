import { answerKeys } from '#datasets/tokens/token-answers.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import type { Measurement } from '#stages/train-student/training.ts';
import { shareEqual, type ValidationSet } from '#stages/train-student/validation.ts';
import type { TokenScores } from './language-predictions.ts';
import { originalsOf } from './language-targets.ts';

/** Asked tokens of the validation rows with what a student is compared with: a row is a token. */
export function tokenValidationSet(
  tokens: StoredTokens,
  teacherIds: ReadonlyMap<string, number>,
): ValidationSet {
  return {
    tokens,
    goldIds: originalsOf(tokens),
    teacherIds: Int32Array.from(answerKeys(tokens), (key) => teacherIds.get(key) ?? -1),
  };
}

/** Compares what a language model says with the text and with its teacher; its likelihood decides. */
export function judgeTokens(set: ValidationSet, scores: TokenScores): Measurement {
  const { bestIds, goldLogProbs } = scores;
  const count = goldLogProbs.length;
  const mean = goldLogProbs.reduce((sum, logProb) => sum + logProb, 0) / count;
  const variance = goldLogProbs.reduce((sum, logProb) => sum + (logProb - mean) ** 2, 0) / count;
  return {
    validation: {
      validationAccuracy: shareEqual(bestIds, set.goldIds),
      agreement: shareEqual(bestIds, set.teacherIds),
      ...(count > 0 && { validationNll: -mean }),
    },
    score: count === 0 ? null : { share: mean, standardError: Math.sqrt(variance / count) },
  };
}
