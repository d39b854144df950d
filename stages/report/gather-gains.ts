import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import { leadFigure } from '#datasets/metrics/figures.ts';
import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import { type Predictions, readPredictions } from '#datasets/predictions.ts';
import { taggedSentences } from '#datasets/tagged-sentences.ts';
import { readTargets } from '#datasets/targets.ts';
import { isLanguageModel, isValueTask } from '#datasets/task.ts';
import { rowKeys } from '#datasets/tokens/token-answers.ts';
import { inputOf } from '#stages/folders.ts';
import { bootstrapIntervals, type ResampledFigures, unitsOf } from '#stages/numerics/bootstrap.ts';
import { randomFor } from '#stages/numerics/random.ts';
import {
  resampledClasses,
  resampledEntities,
  resampledLabels,
} from '#stages/numerics/resampled-figures.ts';
import { resampledRegression } from '#stages/numerics/resampled-regression.ts';
import type { StageContext } from '#stages/stage.ts';
import type { ReportConfig } from './config.ts';

/** By how much one student is better than another model, on the same test rows. */
export interface Gain {
  readonly over: string;
  readonly figure: string;
  readonly value: number;
  /** Paired bootstrap, 95 %. */
  readonly interval: readonly [low: number, high: number];
}

interface Compared {
  readonly metrics: AnyMetrics;
  /** Of several seeds. */
  readonly spread?: unknown;
}

/**
 * The gains of a student over others whose predictions are there, by the leading figure of the task, over the test rows
 * that both answered. None of language models, whose likelihoods are not kept, nor of the mean of several seeds.
 */
export async function readGains(
  context: StageContext<ReportConfig>,
  classNames: readonly string[],
  own: Compared,
  others: readonly (Compared | null)[],
): Promise<Gain[]> {
  const rival = others.filter((other) => other !== null);
  const gains: Gain[] = [];
  for (const other of rival) {
    if (own.spread !== undefined || other.spread !== undefined) continue;
    const gain = await gainOver(context, classNames, own.metrics, other.metrics);
    if (gain !== undefined) gains.push(gain);
  }
  return gains;
}

async function gainOver(
  context: StageContext<ReportConfig>,
  classNames: readonly string[],
  own: AnyMetrics,
  other: AnyMetrics,
): Promise<Gain | undefined> {
  const folders = [own, other].flatMap(({ name }) => context.inputs[`predictions.${name}`] ?? []);
  const figure = leadFigure(own);
  const [first, second] = await Promise.all(
    folders.map((folder) => readPredictions(folder, 'test')),
  );
  if (first === undefined || second === undefined) return undefined;
  const figures = await resampled(context, classNames, own, [first, second]);
  if (figures === undefined) return undefined;
  const { units, figuresOf } = figures;
  const gainOf = (draw: Int32Array) => {
    const [a = null, b = null] = figuresOf.map((of) => of(draw)[figure]);
    return a === null || b === null ? null : a - b;
  };
  const value = gainOf(Int32Array.from({ length: units }, (_, unit) => unit));
  const { gain: interval } = bootstrapIntervals(units, randomFor(1, 'intervals'), (draw) => ({
    gain: gainOf(draw),
  }));
  if (value === null || interval === undefined) return undefined;
  return { over: other.name, figure, value, interval };
}

/** What is drawn, and the figures of each model on a draw. */
interface Resampled {
  readonly units: number;
  readonly figuresOf: readonly ((draw: Int32Array) => ResampledFigures)[];
}

async function resampled(
  context: StageContext<ReportConfig>,
  classNames: readonly string[],
  metrics: AnyMetrics,
  both: readonly [Predictions, Predictions],
): Promise<Resampled | undefined> {
  const labels = inputOf(context, 'labels/test');
  if (!('task' in metrics)) return resampledAnswers(labels, classNames, metrics, both);
  const { task } = metrics;
  if (isLanguageModel(task) || !isValueTask(task)) return undefined;
  const width = classNames.length;
  const targets = new Map(
    (await readTargets(labels)).map(({ exampleId, targets: own }) => [exampleId, own]),
  );
  const rows = sharedRows(both, (key) => targets.has(key));
  const gold = Float32Array.from(rows.flatMap(({ key }) => [...(targets.get(key) ?? [])]));
  const resample = task === 'regression' ? resampledRegression : resampledLabels;
  return {
    units: rows.length,
    figuresOf: both.map(({ logits }, at) => {
      const values = rows.flatMap(({ places }) => {
        const from = (places[at] ?? 0) * width;
        return [...logits.subarray(from, from + width)];
      });
      return resample(Float32Array.from(values), gold, width);
    }),
  };
}

async function resampledAnswers(
  labels: string,
  classNames: readonly string[],
  metrics: AnyMetrics,
  both: readonly [Predictions, Predictions],
): Promise<Resampled> {
  const { ofRows, ofWords } = await readGoldOfRows(labels);
  if (ofWords !== undefined && leadFigure(metrics) === 'entityF1') {
    const sentences = both.map(({ exampleIds, predictedIds, positions = new Int32Array() }) => {
      const answers = { exampleIds, predictedIds, positions };
      return taggedSentences(answers, ofWords, classNames).sentences;
    });
    return { units: ofWords.size, figuresOf: sentences.map(resampledEntities) };
  }
  const rows = sharedRows(both, (key) => ofRows.has(key));
  const units = unitsOf(rows.map(({ exampleId }) => exampleId));
  const goldIds = Int32Array.from(rows, ({ key }) => ofRows.get(key) ?? -1);
  return {
    units: units.starts.length - 1,
    figuresOf: both.map((predictions, at) => {
      const predictedIds = Int32Array.from(
        rows,
        ({ places }) => predictions.predictedIds[places[at] ?? -1] ?? -1,
      );
      return resampledClasses({ predictedIds, goldIds }, units, classNames.length);
    }),
  };
}

/** Rows that both have answered and that are known, with their places in each. */
function sharedRows(
  [first, second]: readonly [Predictions, Predictions],
  isKnown: (key: string) => boolean,
) {
  const places = new Map(rowKeys(second).map((key, row) => [key, row]));
  return rowKeys(first).flatMap((key, row) => {
    const other = places.get(key);
    if (other === undefined || !isKnown(key)) return [];
    return [{ key, exampleId: first.exampleIds[row] ?? '', places: [row, other] as const }];
  });
}
