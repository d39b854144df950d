import type { AnyMetrics } from '#datasets/metrics.ts';
import type { ValueMetrics } from '#datasets/value-metrics.ts';

/** Figures that a gate may name for a language model, each better where it is more. */
export const LANGUAGE_FIGURES = [
  'accuracy',
  'agreement',
  'perplexityVsTeacher',
  'gainOverGoldOnly',
] as const;

/** A figure of a language model for its gate; undefined where it cannot be told. */
export function languageFigure(
  name: string,
  student: ValueMetrics,
  others: {
    readonly teacher: AnyMetrics | undefined;
    /** Variants that learn from the text alone: the students of each. */
    readonly goldOnly: readonly (readonly AnyMetrics[])[];
  },
): number | undefined {
  const own = nllOf(student);
  switch (name) {
    case 'accuracy':
      return student.figures['accuracy'] ?? undefined;
    case 'agreement':
      return student.agreement ?? undefined;
    case 'perplexityVsTeacher': {
      const teacher = others.teacher && nllOf(others.teacher);
      return teacher === undefined ? undefined : Math.exp(teacher - own);
    }
    case 'gainOverGoldOnly': {
      const best = Math.min(...others.goldOnly.map(meanNll));
      return Number.isFinite(best) ? best - own : undefined;
    }
    default:
      return undefined;
  }
}

function meanNll(students: readonly AnyMetrics[]): number {
  return students.reduce((sum, one) => sum + nllOf(one), 0) / students.length;
}

/** Nats a token. */
function nllOf(metrics: AnyMetrics): number {
  return ('figures' in metrics ? metrics.figures['negativeLogLikelihood'] : null) ?? Number.NaN;
}
