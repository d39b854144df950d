import type { Metrics } from '#datasets/metrics/metrics.ts';
import { spreadOf } from '#stages/numerics/spread.ts';
import type { ModelResult, ReportData } from '#stages/report/report-data.ts';
import { reportFixture } from './report-fixture.ts';

/** The same report with everything that settings can add: slices, changed texts, features, seeds. */
export function richFixture(): ReportData {
  const data = reportFixture();
  const models = data.models.map(enriched);
  const named = (name: string) =>
    models.find(({ metrics }) => metrics.name === name) ?? data.headline;
  return {
    ...data,
    models,
    headline: named('distilled'),
    teacher: named('teacher'),
    baseline: named('gold-only'),
  };
}

function enriched(model: ModelResult): ModelResult {
  const { metrics } = model;
  const isStudent = metrics.subject === 'student';
  return {
    ...model,
    metrics: { ...metrics, columnSlices: slicesOf(metrics), ...(isStudent && ofStudent(metrics)) },
    ...(metrics.name !== 'relabelled' && isStudent && { spread: spreadAround(metrics) }),
  };
}

function slicesOf({ accuracy }: Metrics): Metrics['columnSlices'] {
  return Object.entries(COLUMNS).flatMap(([column, values]) =>
    values.map((value, at) => ({
      column,
      value,
      rows: 1200 - 300 * at,
      figures: { accuracy: accuracy - 0.02 * at, macroF1: accuracy - 0.03 * at },
    })),
  );
}

function ofStudent({ accuracy, macroF1, perClass, name }: Metrics): Partial<Metrics> {
  return {
    meanAveragePrecision: accuracy + 0.03,
    perClass: perClass.map((one) => ({ ...one, averagePrecision: one.f1 + 0.04 })),
    robustness: ['typos', 'words-that-were-dropped'].map((change, at) => ({
      name: change,
      rows: 3080,
      changed: 3071,
      figures: { accuracy: accuracy - 0.05 - at / 50, macroF1: macroF1 - 0.06 },
      drops: { accuracy: 0.05 + at / 50, macroF1: 0.06 },
    })),
    featureSimilarity:
      name === 'gold-only'
        ? { missing: 'measured of the float32 file' }
        : {
            linearCka: { m_bert_pooler_activation_Tanh_output_0: 0.8123, layer_3: 0.71 },
            rows: 2000,
          },
  };
}

function spreadAround({ name, accuracy, macroF1, agreement, ...rest }: Metrics) {
  const around = (value: number) => spreadOf([value - 0.004, value, value + 0.001]);
  const { expectedCalibrationError, negativeLogLikelihood, areaUnderRisk = 0 } = rest;
  const figures = {
    accuracy: around(accuracy),
    macroF1: around(macroF1),
    meanAveragePrecision: around(accuracy + 0.03),
    expectedCalibrationError: around(expectedCalibrationError + 0.01),
    negativeLogLikelihood: around(negativeLogLikelihood),
    areaUnderRisk: around(areaUnderRisk + 0.01),
    agreement: around(agreement ?? 0),
    'recall.card_arrival': around(0.9),
    'f1.slice.a': around(0.8),
    'slice.language.de.accuracy': around(0.87),
    'robustness.typos.macroF1': around(0.82),
    'linearCka.layer.3': around(0.7),
  };
  const students = [name, `${name}.seed2`, `${name}.seed3`];
  return { formatVersion: 1 as const, name, students, figures };
}

const COLUMNS = {
  language: ['en', 'de', '(none)'],
  account_age_in_days: ['0 to 31', '32 to 365', '366 to 4018.5'],
};
