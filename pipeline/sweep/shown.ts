import { formatBytes, formatCount } from '#pipeline/observers/progress.ts';
import type { TrialSettings } from './draw-trials.ts';
import type { Judged, TrialResult } from './results.ts';

/** A setting as it stands in decant.yaml; a dash where the student does not read it. */
export function shownValue(value: unknown): string {
  if (value === undefined) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Names of the settings that a sweep turns, in its order. */
export function settingNames(trials: readonly { readonly settings: TrialSettings }[]): string[] {
  return Object.keys(trials[0]?.settings ?? {});
}

export function shownFigure({ value, isShare }: Pick<Judged, 'value' | 'isShare'>): string {
  if (Number.isNaN(value)) return '-';
  return isShare ? `${(100 * value).toFixed(1)} %` : value.toPrecision(3);
}

/** Column heads of a table of results. */
export function resultColumns(results: readonly TrialResult[]): string[] {
  const settings = settingNames(results.map(({ trial }) => trial));
  const figure = results[0]?.judged.title ?? '';
  return ['trial', ...settings, figure, 'agreement', 'parameters', 'file', 'latency p50', 'front'];
}

/** One row of that table. */
export function resultCells(result: TrialResult): string[] {
  const { trial, judged, agreement, parameters, fileBytes, latencyMs, isOnFront } = result;
  const front = Object.entries(isOnFront).flatMap(([price, isOn]) => (isOn ? [price] : []));
  return [
    String(trial.number),
    ...Object.values(trial.settings).map(shownValue),
    shownFigure(judged),
    agreement === null ? '-' : shownFigure({ value: agreement, isShare: judged.isShare }),
    parameters === null ? '-' : formatCount(parameters),
    formatBytes(fileBytes),
    latencyMs === null ? '-' : `${latencyMs.toFixed(2)} ms`,
    front.join(', '),
  ];
}
