import { taggedSentences } from '#datasets/tagged-sentences.ts';
import { answeredExamples, answerKeys, answersOf } from '#datasets/tokens/token-answers.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import {
  entityCounts,
  entityScore,
  isEntityScheme,
  totalCounts,
} from '#stages/numerics/entities.ts';
import type { ValidationSet } from '#stages/train-student/validation.ts';

/** Validation words with what a student is compared with: a row is a word. */
export function wordValidationSet(
  tokens: StoredTokens,
  gold: ReadonlyMap<string, Int32Array>,
  teacherIds: ReadonlyMap<string, number>,
  classNames: readonly string[],
): ValidationSet {
  const exampleIds = answeredExamples(tokens);
  const { positions } = answersOf(tokens);
  const isScored = gold.size > 0 && isEntityScheme(classNames);
  return {
    tokens,
    goldIds: Int32Array.from(
      exampleIds,
      (exampleId, row) => gold.get(exampleId)?.[positions[row] ?? -1] ?? -1,
    ),
    teacherIds: Int32Array.from(answerKeys(tokens), (key) => teacherIds.get(key) ?? -1),
    ...(isScored && {
      entityF1: (predictedIds) => {
        const answers = { exampleIds, positions, predictedIds };
        const { sentences } = taggedSentences(answers, gold, classNames);
        const total = totalCounts(entityCounts(sentences).values());
        return { f1: entityScore(total).f1, entities: total.gold };
      },
    }),
  };
}
