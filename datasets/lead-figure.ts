import { type AnyMetrics, isOfValues } from './metrics.ts';

/** A figure by its name; null where it cannot be told. */
export interface LeadFigure {
  readonly name: string;
  readonly value: number | null;
}

/**
 * The figure that models of a task are compared by: accuracy, or the F1 of entities where the classes name them (most
 * words are no entity), else the first of the task's own: micro-F1, Pearson, perplexity.
 */
export function leadFigure(metrics: AnyMetrics): LeadFigure {
  if (isOfValues(metrics)) {
    const [name, value] = Object.entries(metrics.figures)[0] ?? ['', null];
    return { name, value };
  }
  const entities = metrics.words?.entities;
  return entities
    ? { name: 'entityF1', value: entities.f1 }
    : { name: 'accuracy', value: metrics.accuracy };
}
