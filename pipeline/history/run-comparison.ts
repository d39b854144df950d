import { canonicalJson } from '#cache/fingerprint.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { formatBytes } from '#pipeline/observers/progress.ts';
import type { Headline, RunRecord } from './run-record.ts';

/** One setting that two runs do not share; `-` where a run does not have it. */
export interface SettingDifference {
  readonly setting: string;
  readonly a: string;
  readonly b: string;
}

/** One figure of one model in both runs; `-` where a run did not measure it. */
export interface FigureDifference {
  readonly model: string;
  readonly figure: string;
  readonly a: string;
  readonly b: string;
  /** b - a, with its sign. */
  readonly change: string;
}

export interface RunComparison {
  readonly schemaVersion: 1;
  readonly a: string;
  readonly b: string;
  readonly settings: readonly SettingDifference[];
  readonly figures: readonly FigureDifference[];
}

/** What two runs were asked for and what came out, side by side. */
export function compareRuns(a: RunRecord, b: RunRecord): RunComparison {
  const models = [...new Set([...Object.keys(a.metrics), ...Object.keys(b.metrics)])];
  return {
    schemaVersion: 1,
    a: a.runId,
    b: b.runId,
    settings: settingDifferences(a, b),
    figures: models.flatMap((model) => figuresOf(model, a.metrics[model], b.metrics[model])),
  };
}

function settingDifferences(a: RunRecord, b: RunRecord): SettingDifference[] {
  const [before, after] = [settingsOf(a), settingsOf(b)];
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((setting) => ({
      setting,
      a: before.get(setting) ?? MISSING,
      b: after.get(setting) ?? MISSING,
    }));
}

/** Every setting as `variants.distilled.temperature` -> JSON, then what else decides a run. */
function settingsOf({ config, versions, gitCommit }: RunRecord): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      found.set(path, canonicalJson(value));
      return;
    }
    for (const [key, nested] of Object.entries(value)) walk(nested, `${path}.${key}`);
  };
  for (const [key, value] of Object.entries(config)) walk(value, key);
  for (const [name, version] of Object.entries(versions)) found.set(`(${name})`, version);
  if (gitCommit !== null) found.set('(git commit)', gitCommit);
  return found;
}

function figuresOf(
  model: string,
  a: Headline | undefined,
  b: Headline | undefined,
): FigureDifference[] {
  return [...FIGURES, ...valueFigures(a, b), ...seedFigures(a, b)].flatMap(
    ({ figure, of, show, showChange }) => {
      const [before, after] = [a && of(a), b && of(b)];
      if (isNothing(before) && isNothing(after)) return [];
      const isBoth = !isNothing(before) && !isNothing(after);
      const change = isBoth ? signed(after - before, showChange ?? show) : MISSING;
      const shown = (value: number | null | undefined) =>
        isNothing(value) ? MISSING : show(value);
      return [{ model, figure, a: shown(before), b: shown(after), change }];
    },
  );
}

/** Figures of tasks whose answers are numbers, by the names that they have. */
function valueFigures(a: Headline | undefined, b: Headline | undefined): Figure[] {
  const names = new Set([...Object.keys(a?.figures ?? {}), ...Object.keys(b?.figures ?? {})]);
  return [...names].map((name) => ({
    figure: FIGURE_NAMES[name] ?? name,
    of: ({ figures }) => figures?.[name],
    show: (value) => shownFigure(name, value),
  }));
}

/** Means over the seeds of a variant, each with how far its students lie apart. */
function seedFigures(a: Headline | undefined, b: Headline | undefined): Figure[] {
  const names = new Set([...Object.keys(a?.seeds ?? {}), ...Object.keys(b?.seeds ?? {})]);
  return [...names].flatMap((name): Figure[] => {
    const [of, show] = [FIGURE_NAMES[name] ?? name, (value: number) => shownFigure(name, value)];
    return [
      { figure: `${of}, mean of seeds`, of: ({ seeds }) => seeds?.[name]?.mean, show },
      { figure: `${of}, deviation of seeds`, of: ({ seeds }) => seeds?.[name]?.sd, show },
    ];
  });
}

function isNothing(value: number | null | undefined): value is null | undefined {
  return value === null || value === undefined;
}

function signed(change: number, show: (value: number) => string): string {
  const text = show(Math.abs(change));
  if (text === show(0)) return '0';
  return `${change < 0 ? '-' : '+'}${text}`;
}

interface Figure {
  readonly figure: string;
  readonly of: (headline: Headline) => number | null | undefined;
  readonly show: (value: number) => string;
  readonly showChange?: (value: number) => string;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const points = (share: number) => `${(100 * share).toFixed(1)} points`;

const FIGURES: readonly Figure[] = [
  { figure: 'accuracy', of: ({ accuracy }) => accuracy, show: percent, showChange: points },
  {
    figure: 'accuracy, low end',
    of: ({ accuracyInterval }) => accuracyInterval?.[0],
    show: percent,
    showChange: points,
  },
  {
    figure: 'accuracy, high end',
    of: ({ accuracyInterval }) => accuracyInterval?.[1],
    show: percent,
    showChange: points,
  },
  { figure: 'agreement', of: ({ agreement }) => agreement, show: percent, showChange: points },
  { figure: 'entity F1', of: ({ entityF1 }) => entityF1, show: percent, showChange: points },
  { figure: 'macro F1', of: ({ macroF1 }) => macroF1, show: percent, showChange: points },
  {
    figure: 'calibration error',
    of: ({ expectedCalibrationError }) => expectedCalibrationError,
    show: percent,
    showChange: points,
  },
  {
    figure: 'negative log likelihood',
    of: ({ negativeLogLikelihood }) => negativeLogLikelihood,
    show: (nats) => `${nats.toFixed(3)} nats`,
  },
  { figure: 'test rows', of: ({ rows }) => rows, show: String },
  { figure: 'parameters', of: ({ parameters }) => parameters, show: String },
  { figure: 'file', of: ({ fileBytes }) => fileBytes, show: formatBytes },
  {
    figure: 'latency p50',
    of: ({ latencyMsP50 }) => latencyMsP50,
    show: (ms) => `${ms.toFixed(2)} ms`,
  },
];

const MISSING = '-';
