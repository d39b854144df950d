import type { ValueMetrics } from '#datasets/metrics/value-metrics.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';

/** What the card of a student of values says about its figures. */
export function measuredValues({ figures, agreement, task }: ValueMetrics): [string, string][] {
  const own = Object.entries(figures).map(([name, value]): [string, string] => [
    FIGURE_NAMES[name] ?? name,
    shownFigure(name, value),
  ]);
  const name = task === 'regression' ? 'pearson' : 'subsetAccuracy';
  const label =
    task === 'regression'
      ? 'correlation with the teacher'
      : task === 'multi-label'
        ? 'decisions on which it agrees with the teacher'
        : 'tokens at which it agrees with the teacher';
  return [...own, [label, shownFigure(name, agreement)]];
}
