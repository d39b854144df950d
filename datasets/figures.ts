import { type AnyMetrics, isOfValues, type Metrics } from './metrics.ts';

/**
 * Every figure of a model by the name that a gate calls it: accuracy, recall.CLASS, slice.long.accuracy,
 * slice.COLUMN.VALUE.accuracy, robustness.NAME.accuracy, linearCka.TENSOR. What cannot be told is left out.
 */
export function figuresIn(metrics: AnyMetrics): Map<string, number> {
  const { agreement, perClass, columnSlices = [], robustness = [], featureSimilarity } = metrics;
  const own = isOfValues(metrics) ? Object.entries(metrics.figures) : ofClassifier(metrics);
  const named: Figure[] = [
    ...own,
    ['agreement', agreement],
    ...perClass.flatMap(({ label, support: _rows, ...figures }) => within(`.${label}`, figures)),
    ...columnSlices.flatMap(({ column, value, figures }) =>
      under(`slice.${column}.${value}`, figures),
    ),
    ...robustness.flatMap(({ name, figures }) => under(`robustness.${name}`, figures)),
    ...(featureSimilarity && 'linearCka' in featureSimilarity
      ? under('linearCka', featureSimilarity.linearCka)
      : []),
  ];
  return new Map(
    named.flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, value] as const],
    ),
  );
}

/** What a column slice or a changed text is measured by, where a row is of one class. */
export const CLASSIFIER_SLICE_FIGURES = ['accuracy', 'macroF1'] as const;

function ofClassifier(metrics: Metrics): Figure[] {
  const { accuracy, macroF1, meanAveragePrecision, slices = [], words } = metrics;
  const { expectedCalibrationError, negativeLogLikelihood, areaUnderRisk } = metrics;
  const ofLengths: Figure[] = [
    ['slice.short.accuracy', slices[0]?.accuracy],
    ['slice.long.accuracy', slices.at(-1)?.accuracy],
  ];
  return [
    ['accuracy', accuracy],
    ['macroF1', macroF1],
    ['meanAveragePrecision', meanAveragePrecision],
    ['entityF1', words?.entities?.f1],
    ['expectedCalibrationError', expectedCalibrationError],
    ['negativeLogLikelihood', negativeLogLikelihood],
    ['areaUnderRisk', areaUnderRisk],
    ...(slices.length > 1 ? ofLengths : []),
  ];
}

/** Null or undefined where it cannot be told. */
type Figure = [name: string, value: number | null | undefined];

function under(path: string, figures: Readonly<Record<string, number | null>>) {
  return Object.entries(figures).map(([name, value]): Figure => [`${path}.${name}`, value]);
}

function within(suffix: string, figures: Readonly<Record<string, number | null | undefined>>) {
  return Object.entries(figures).map(([name, value]): Figure => [`${name}${suffix}`, value]);
}
