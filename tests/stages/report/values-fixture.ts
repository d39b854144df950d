import type { ValuesData } from '#stages/report/values-data.ts';
import { reportFixture } from './report-fixture.ts';

/** The report of several labels: the same models and corpus, measured by micro-F1. */
export function valuesFixture(): ValuesData {
  const { title, models, choices, deployed, curves, cache, corpus, origin } = reportFixture();
  const ofValues = models.map(({ metrics, timings, colour }) => {
    const { name, subject, rows, accuracy, agreement, parameters, fileBytes } = metrics;
    return {
      metrics: {
        formatVersion: 1 as const,
        task: 'multi-label' as const,
        name,
        subject,
        rows,
        figures: {
          microF1: accuracy,
          macroF1: accuracy - 0.1,
          meanAveragePrecision: accuracy + 0.02,
          subsetAccuracy: accuracy - 0.3,
        },
        intervals: { microF1: [accuracy - 0.01, accuracy + 0.01] as [number, number] },
        agreement,
        calibrationBins: metrics.calibrationBins,
        parameters,
        fileBytes,
        perClass: metrics.perClass.map((one) => ({ ...one, averagePrecision: one.f1 })),
      },
      timings,
      colour,
    };
  });
  const named = (name: string) =>
    ofValues.find((one) => one.metrics.name === name) ??
    (() => {
      throw new Error(`no model ${name}`);
    })();
  return {
    title,
    models: ofValues,
    headline: named('distilled'),
    teacher: named('teacher'),
    heads: [],
    gains: [{ over: 'gold-only', figure: 'microF1', value: 0.04, interval: [0.031, 0.049] }],
    choices,
    deployed,
    curves: curves.map((curve) => ({
      ...curve,
      validation: { ...curve.validation, figure: 'microF1' },
    })),
    cachedRows: cache.rows,
    entropy: cache,
    corpus,
    origin,
  };
}
