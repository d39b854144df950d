import { type AnyMetrics, isOfValues, type Metrics, type Timings } from './metrics.ts';

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
  return known(named);
}

/**
 * What a model costs, by the names of gates: parameters, fileMb (10^6 bytes of its ONNX file), and as it was timed
 * latencyMsBatch1.p50, latencyMsBatch1.p95, latencyMsBatch32.p50, latencyMsBatch32.p95 and rowsPerSecond.
 */
export function costsIn(
  { parameters, fileBytes }: AnyMetrics,
  timings: Timings | null,
): Map<string, number> {
  const sizes: Figure[] = [
    ['parameters', parameters],
    ['fileMb', fileBytes / 1e6],
    ...(timings === null
      ? []
      : [
          ...under('latencyMsBatch1', timings.latencyMsBatch1),
          ...batchedLatency(timings),
          ['rowsPerSecond', timings.rowsPerSecond] as Figure,
        ]),
  ];
  return known(sizes);
}

function batchedLatency({ latencyMsBatched }: Timings): Figure[] {
  if (latencyMsBatched === undefined) return [];
  const { rows, ...latency } = latencyMsBatched;
  return under(`latencyMsBatch${rows}`, latency);
}

/** The 95 % interval of a figure, where it was resampled. */
export function intervalOf(metrics: AnyMetrics, name: string): [number, number] | undefined {
  if (!isOfValues(metrics) && name === 'accuracy') return metrics.accuracyInterval;
  return metrics.intervals?.[name];
}

/** The figure that a task is judged by: entityF1 of a tagger of entities, accuracy, or the first of a value task. */
export function leadFigure(metrics: AnyMetrics): string {
  if (isOfValues(metrics)) return Object.keys(metrics.figures)[0] ?? 'agreement';
  return metrics.words?.entities ? 'entityF1' : 'accuracy';
}

/** Is a model better where this figure is less? `name` as gates call it, also that of a further head. */
export function isBetterWhenLess(name: string): boolean {
  const [first = '', ...further] = name.replace(/^heads\.[^.]+\./, '').split('.');
  const isOfPart = first === 'slice' || first === 'robustness';
  return LESS_IS_BETTER.has(isOfPart ? (further.at(-1) ?? '') : first);
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

function known(figures: readonly Figure[]): Map<string, number> {
  return new Map(
    figures.flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, value] as const],
    ),
  );
}

function under(path: string, figures: Readonly<Record<string, number | null>>) {
  return Object.entries(figures).map(([name, value]): Figure => [`${path}.${name}`, value]);
}

function within(suffix: string, figures: Readonly<Record<string, number | null | undefined>>) {
  return Object.entries(figures).map(([name, value]): Figure => [`${name}${suffix}`, value]);
}

const LESS_IS_BETTER: ReadonlySet<string> = new Set([
  'meanSquaredError',
  'meanAbsoluteError',
  'perplexity',
  'negativeLogLikelihood',
  'expectedCalibrationError',
  'areaUnderRisk',
  'parameters',
  'fileMb',
  'latencyMsBatch1',
  'latencyMsBatch32',
]);
