import { type AnyMetrics, isOfValues, type Timings } from '#datasets/metrics/metrics.ts';
import type { SeedSpread } from '#datasets/metrics/seed-spread.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { formatBytes, formatCount } from '#pipeline/observers/progress.ts';
import { textTable } from './text-table.ts';

/** A model of a run and its figures. */
export interface ModelOutcome {
  readonly name: string;
  readonly metrics: AnyMetrics;
  /** null: it does not run, as its answers stand in files. */
  readonly timings: Timings | null;
}

/**
 * A line a model; the students of several seeds are one, with mean and standard deviation. Models of heads with other
 * figures are a table of their own.
 */
export function modelTable(
  models: readonly ModelOutcome[],
  seeds: readonly SeedSpread[] = [],
): string {
  const others = new Set(seeds.flatMap(({ students }) => students.slice(1)));
  const shown = models.filter(({ name }) => !others.has(name));
  const spreadOf = (name: string) => seeds.find((one) => one.name === name);
  const tables = new Map<string, ModelOutcome[]>();
  for (const model of shown) {
    const kind = figuresOf(model.metrics, undefined)
      .map(([name]) => name)
      .join();
    tables.set(kind, [...(tables.get(kind) ?? []), model]);
  }
  return [...tables.values()].map((alike) => tableOf(alike, spreadOf)).join('\n\n');
}

function tableOf(
  shown: readonly ModelOutcome[],
  spreadOf: (name: string) => SeedSpread | undefined,
): string {
  const figures = shown.map(({ name, metrics }) => figuresOf(metrics, spreadOf(name)));
  const columns = [
    'model',
    ...(figures[0] ?? []).map(([name]) => name),
    'parameters',
    'file',
    'latency p50',
    'p95',
    `batch of ${shown.flatMap(({ timings }) => timings?.latencyMsBatched?.rows ?? [])[0] ?? 32}`,
    'p95',
  ];
  const rows = shown.map(({ name, metrics, timings }, index) => [
    nameOf(name, spreadOf(name)),
    ...(figures[index] ?? []).map(([, text]) => text),
    metrics.parameters === null ? '-' : millions(metrics.parameters),
    metrics.fileBytes === 0 ? '-' : formatBytes(metrics.fileBytes),
    ...[timings?.latencyMsBatch1, timings?.latencyMsBatched].flatMap((latency) => [
      milliseconds(latency?.p50),
      milliseconds(latency?.p95),
    ]),
  ]);
  return textTable(columns, rows);
}

function nameOf(name: string, spread: SeedSpread | undefined): string {
  return spread === undefined ? name : `${name}, ${spread.students.length} seeds`;
}

/** What a model of this task is judged by. */
function figuresOf(
  metrics: AnyMetrics,
  spread: SeedSpread | undefined,
): [name: string, shown: string][] {
  const shown = (figure: string, own: number | null, format: (value: number) => string) => {
    const several = spread?.figures[figure];
    if (several === undefined) return own === null ? '-' : format(own);
    return `${format(several.mean).replace(/ %$/, '')} ± ${format(several.sd)}`;
  };
  if (!isOfValues(metrics)) {
    const { words, accuracy, agreement, expectedCalibrationError } = metrics;
    const entityF1 = words?.entities?.f1;
    const entities: [string, string][] =
      entityF1 === undefined ? [] : [['entity F1', shown('entityF1', entityF1, percent)]];
    return [
      ...entities,
      ['accuracy', shown('accuracy', accuracy, percent)],
      ['agreement', shown('agreement', agreement, percent)],
      ['calibration error', shown('expectedCalibrationError', expectedCalibrationError, percent)],
    ];
  }
  const { figures, agreement, task } = metrics;
  const like = task === 'regression' ? 'pearson' : 'subsetAccuracy';
  const own = Object.entries(figures).map(([name, value]): [string, string] => [
    FIGURE_NAMES[name] ?? name,
    shown(name, value, (number) => shownFigure(name, number)),
  ]);
  return [...own, ['agreement', shown('agreement', agreement, (one) => shownFigure(like, one))]];
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '-' : `${value.toFixed(2)} ms`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function millions(count: number): string {
  return count < 1e6
    ? `${formatCount(Math.round(count / 1e3))} k`
    : `${(count / 1e6).toFixed(1)} M`;
}
