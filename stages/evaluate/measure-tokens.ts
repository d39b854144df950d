import type { LanguageMetrics } from '#datasets/metrics/value-metrics.ts';
import type { LanguageModelTask } from '#datasets/task.ts';
import { answerKeys } from '#datasets/tokens/token-answers.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import { type Identity, NoGoldError } from './measure.ts';

/** What a language model says at the asked tokens of the test split, by the keys of the answers. */
export interface SaidTokens {
  readonly keys: readonly string[];
  readonly bestIds: Int32Array;
  /** Log-probability of the token that is right. */
  readonly goldLogProbs: ArrayLike<number>;
  /** Of the answers, how often the likelihood above is a bound. */
  readonly bounds: number;
}

/** All metrics of one language model: its text is the gold label. */
export function measureTokens(
  identity: Identity,
  said: SaidTokens,
  tokens: TokenTable,
  reference: { readonly teacher: SaidTokens | undefined; readonly task: LanguageModelTask },
): LanguageMetrics {
  const count = said.keys.length;
  if (count === 0) throw new NoGoldError(identity.name);
  const goldOf = new Map(
    answerKeys(tokens).map((key, answer) => [key, tokens.answers?.originals?.[answer] ?? -1]),
  );
  const right = said.keys.filter((key, row) => goldOf.get(key) === said.bestIds[row]).length;
  const negativeLogLikelihood = -Array.from(said.goldLogProbs).reduce((a, b) => a + b, 0) / count;
  return {
    formatVersion: 1,
    task: reference.task,
    ...identity,
    rows: count,
    figures: {
      perplexity: Math.exp(negativeLogLikelihood),
      negativeLogLikelihood,
      accuracy: right / count,
    },
    agreement:
      identity.subject === 'teacher' || reference.teacher === undefined
        ? null
        : agreementOf(said, reference.teacher),
    goldOutsideTopK: said.bounds,
    perClass: [],
  };
}

/** Share of the tokens that both have answered at which both find the same one the likeliest. */
function agreementOf(student: SaidTokens, teacher: SaidTokens): number | null {
  const bestOf = new Map(teacher.keys.map((key, row) => [key, teacher.bestIds[row]]));
  const answered = [...student.keys.keys()].filter((row) => bestOf.has(student.keys[row] ?? ''));
  if (answered.length === 0) return null;
  const equal = answered.filter(
    (row) => bestOf.get(student.keys[row] ?? '') === student.bestIds[row],
  );
  return equal.length / answered.length;
}
