import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { figuresIn, intervalOf, isBetterWhenLess, leadFigure } from '#datasets/metrics/figures.ts';
import {
  type AnyMetrics,
  readAnyMetrics,
  readTimings,
  type Timings,
} from '#datasets/metrics/metrics.ts';
import { FIGURE_NAMES, isShareFigure } from '#datasets/metrics/value-metrics.ts';
import { paretoFront } from '#stages/numerics/pareto-front.ts';
import type { Trial } from './trials.ts';

/** A trial that is done, with what the validation rows say of it. */
export interface TrialResult {
  readonly trial: Trial;
  readonly judged: Judged;
  readonly agreement: number | null;
  readonly parameters: number | null;
  readonly fileBytes: number;
  /** Median of single rows, in milliseconds; null where it was not timed. */
  readonly latencyMs: number | null;
  /** Whether no other trial is better at the same price, by what the price is. */
  readonly isOnFront: { readonly size: boolean; readonly latency: boolean };
}

/** The figure that trials are compared by. */
export interface Judged {
  /** As metrics.json calls it, such as accuracy. */
  readonly name: string;
  readonly title: string;
  readonly value: number;
  /** 95 %, where there is one. */
  readonly interval: readonly [number, number];
  readonly isShare: boolean;
  /** Less is better. */
  readonly isError: boolean;
}

/** The trials that were measured, the best first. */
export async function resultsOf(
  trials: readonly Trial[],
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<TrialResult[]> {
  const measured: Omit<TrialResult, 'isOnFront'>[] = [];
  for (const trial of trials) {
    const artifact = artifacts.get(`validate:${trial.name}`);
    if (artifact === undefined) continue;
    const folder = outputFolder(artifact.folder, 'metrics');
    measured.push(resultOf(trial, await readAnyMetrics(folder), await readTimings(folder)));
  }
  const bySize = frontBy(measured, ({ fileBytes }) => fileBytes);
  const byLatency = frontBy(measured, ({ latencyMs }) => latencyMs ?? Infinity);
  return measured
    .map((one) => ({ ...one, isOnFront: { size: bySize.has(one), latency: byLatency.has(one) } }))
    .sort((a, b) => worthOf(b.judged) - worthOf(a.judged) || a.trial.number - b.trial.number);
}

function resultOf(
  trial: Trial,
  metrics: AnyMetrics,
  timings: Timings | null,
): Omit<TrialResult, 'isOnFront'> {
  const { agreement, parameters, fileBytes } = metrics;
  const latencyMs = timings?.latencyMsBatch1.p50 ?? null;
  return { trial, judged: judged(metrics), agreement, parameters, fileBytes, latencyMs };
}

/** The leading figure of the task. */
function judged(metrics: AnyMetrics): Judged {
  const name = leadFigure(metrics);
  const value = figuresIn(metrics).get(name) ?? Number.NaN;
  return {
    name,
    title: FIGURE_NAMES[name] ?? name,
    value,
    interval: intervalOf(metrics, name) ?? [value, value],
    isShare: isShareFigure(name),
    isError: isBetterWhenLess(name),
  };
}

function frontBy<Result extends { readonly judged: Judged }>(
  results: readonly Result[],
  costOf: (result: Result) => number,
): Set<Result> {
  const known = results.filter((one) => !Number.isNaN(one.judged.value));
  const priced = known.map((one) => ({ value: worthOf(one.judged), cost: costOf(one) }));
  return new Set(paretoFront(priced).flatMap((place) => known[place] ?? []));
}

/** More is better; what cannot be told is the worst. */
function worthOf({ value, isError }: Judged): number {
  if (Number.isNaN(value)) return Number.NEGATIVE_INFINITY;
  return isError ? -value : value;
}
