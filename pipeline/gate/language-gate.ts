import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import { isOfValues } from '#datasets/metrics/metrics.ts';

/** Figures that a gate may name for a language model. */
export const LANGUAGE_FIGURES = [
  'accuracy',
  'agreement',
  'perplexity',
  'negativeLogLikelihood',
  'perplexityVsTeacher',
  'gainOverGoldOnly',
] as const;

/**
 * What a language model is beside its teacher and beside the students of the gold-only variant, each better where it is
 * more: the teacher's perplexity over its own, and the nats a token that it gains.
 */
export function languageComparisons(
  student: AnyMetrics,
  others: {
    readonly teacher: AnyMetrics | undefined;
    readonly goldOnly: readonly AnyMetrics[];
  },
): [name: string, value: number][] {
  const own = nllOf(student);
  const { teacher, goldOnly } = others;
  const ofGold = goldOnly.reduce((sum, one) => sum + nllOf(one), 0) / goldOnly.length;
  return [
    ...(teacher === undefined
      ? []
      : [['perplexityVsTeacher', Math.exp(nllOf(teacher) - own)] as [string, number]]),
    ...(goldOnly.length === 0 ? [] : [['gainOverGoldOnly', ofGold - own] as [string, number]]),
  ];
}

/** Nats a token. */
function nllOf(metrics: AnyMetrics): number {
  const nll = isOfValues(metrics) ? metrics.figures['negativeLogLikelihood'] : undefined;
  return nll ?? Number.NaN;
}
