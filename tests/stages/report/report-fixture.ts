import type { Metrics } from '#datasets/metrics/metrics.ts';
import { calibrationBins, expectedCalibrationError } from '#stages/numerics/metrics.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { histogramBins } from '#stages/report/plots/histogram.ts';
import type { ModelResult, Point, ReportData } from '#stages/report/report-data.ts';

/** A report as the shipped sample would give it, all figures invented. */
export function reportFixture(): ReportData {
  const teacher = model('teacher', 0, {
    accuracy: 0.9107,
    parameters: 22_795_399,
    bytes: 23_200_000,
  });
  const goldOnly = model('gold-only', 1, {
    accuracy: 0.8546,
    parameters: 661_376,
    bytes: 2_671_112,
  });
  const distilled = model('distilled', 2, {
    accuracy: 0.8951,
    parameters: 661_376,
    bytes: 2_671_112,
  });
  const relabelled = model('relabelled', 3, {
    accuracy: 0.8961,
    parameters: 661_376,
    bytes: 2_671_112,
  });
  const random = randomFor(3, 'fixture');
  const entropies = Array.from({ length: 8954 }, () => 0.5 * -Math.log(1 - random()));
  const confidences = Array.from({ length: 8954 }, () => 1 - 0.9 * random() ** 6);
  return {
    title: 'Banking77: a small student of MiniLM',
    models: [teacher, goldOnly, distilled, relabelled],
    headline: distilled,
    teacher,
    baseline: goldOnly,
    gains: [
      { over: 'gold-only', figure: 'accuracy', value: 0.04, interval: [0.031, 0.049] },
      { over: 'teacher', figure: 'accuracy', value: -0.0155, interval: [-0.022, -0.009] },
    ],
    choices: [],
    heads: [],
    deployed: {},
    curves: [
      curve(goldOnly, { from: 4.3, to: 0.05, best: 0.86 }),
      curve(distilled, { from: 9.1, to: 0.4, best: 0.9 }),
      curve(relabelled, { from: 0.6, to: 0.3, best: 0.903 }),
    ],
    cache: {
      rows: 8954,
      kept: 'top 10 and the tail',
      temperatures: [1, 2, 4],
      entropyNats: histogramBins(entropies, 2.5, 30),
      confidence: histogramBins(confidences, 1, 25),
      meanEntropyNats: 0.49,
      meanConfidence: 0.871,
    },
    relabelling: {
      summary: {
        formatVersion: 1,
        policy: 'fill-unlabelled',
        minConfidence: 0.9,
        filled: 4214,
        disagreed: 541,
        belowConfidence: 617,
        keptGold: 3582,
        calibration: {
          teacher: { rows: 993, confidences: [0.2, 1], accuracies: [0.3, 0.99] },
          student: { rows: 993, confidences: [0.2, 1], accuracies: [0.3, 0.99] },
        },
      },
      examples: texts.map((text, index) => ({
        text,
        exampleId: `${index}`.repeat(32),
        oldLabel: index % 2 === 0 ? null : (classNames[0] ?? null),
        newLabel: classNames[index % classNames.length] ?? '',
        reason: 'teacher-and-student-agree',
        teacherConfidence: 0.9 + index / 60,
        studentConfidence: 0.92 + index / 90,
        confidence: 0.9 + index / 60,
      })),
    },
    mistakes: texts.map((text, index) => ({
      text,
      exampleId: `${index}`.repeat(32),
      gold: classNames[index % classNames.length] ?? '',
      predicted: classNames[(index + 1) % classNames.length] ?? '',
      confidence: 0.98 - index / 50,
    })),
    doubts: [
      {
        split: 'validation',
        labelled: 993,
        doubted: 21,
        worst: texts.map((text, index) => ({
          text,
          exampleId: `${index}`.repeat(32),
          gold: classNames[index % classNames.length] ?? '',
          suggested: classNames[(index + 1) % classNames.length] ?? '',
          margin: index / 10 - 0.9,
        })),
      },
      { split: 'test', labelled: 3080, doubted: 0, worst: [] },
    ],
    corpus: {
      classCount: 77,
      splits: [
        { split: 'train', examples: 8954, rows: 8954, labelled: 3582, truncated: 0 },
        { split: 'validation', examples: 993, rows: 993, labelled: 993, truncated: 0 },
        { split: 'test', examples: 3080, rows: 3080, labelled: 3080, truncated: null },
      ],
      rejects: [
        { name: 'duplicates merged', value: '12' },
        { name: 'leaks dropped', value: '6' },
      ],
    },
    origin: {
      command: 'npx decant run --config decant.yaml',
      resolvedConfig:
        'corpus:\n  train: [labelled.csv, unlabelled.jsonl]\n  validation: validation.jsonl\nsoft-label: { topK: 10, temperatures: [1, 2, 4] }\nstudent: { architecture: modernbert, layers: 2, hiddenSize: 128, steps: 1500 }\n',
      facts: [
        { name: 'Teacher (SHA-256)', value: '9f2c'.repeat(16) },
        { name: 'Soft labels (fingerprint)', value: '77ab'.repeat(16) },
        { name: 'Teacher ran on', value: 'onnxruntime 1.30.0, cpu' },
      ],
    },
  };
}

function model(
  name: string,
  colour: number,
  { accuracy, parameters, bytes }: { accuracy: number; parameters: number; bytes: number },
): ModelResult {
  const isTeacher = name === 'teacher';
  const bins = binsOf(accuracy, colour);
  const metrics: Metrics = {
    formatVersion: 1,
    name,
    subject: isTeacher ? 'teacher' : 'student',
    rows: 3080,
    accuracy,
    accuracyInterval: [accuracy - 0.0107, accuracy + 0.0104],
    intervals: { macroF1: [accuracy - 0.0131, accuracy + 0.0112] },
    agreement: isTeacher ? null : accuracy + 0.012,
    expectedCalibrationError: expectedCalibrationError(bins),
    macroF1: accuracy - 0.002,
    negativeLogLikelihood: 1.4 * (1 - accuracy) * 3,
    goldOutsideTopK: isTeacher ? 38 : 0,
    coverage: [1, 0.95, 0.9, 0.8, 0.7, 0.5].map((coverage) => ({
      coverage,
      confidence: 1.05 - coverage,
      accuracy: 1 - (1 - accuracy) * coverage ** 2,
    })),
    areaUnderRisk: (1 - accuracy) / 4,
    slices: [
      { of: 'tokens', from: 5, to: 11, rows: 800, accuracy: accuracy + 0.01 },
      { of: 'tokens', from: 12, to: 60, rows: 2280, accuracy: accuracy - 0.004 },
    ],
    parameters,
    fileBytes: bytes,
    calibrationBins: bins,
    confusions: confusions.map(([gold, predicted], index) => ({
      gold,
      predicted,
      count: 12 - index,
    })),
    perClass: classNames.map((label, index) => ({
      label,
      support: 40,
      precision: 0.62 + index / 30,
      recall: 0.7 + index / 40,
      f1: 0.66 + index / 35,
    })),
  };
  const ms = isTeacher ? 9.64 : 0.71;
  return {
    metrics,
    colour,
    timings: {
      formatVersion: 1,
      provider: 'cpu',
      runtime: 'onnxruntime 1.30.0',
      threads: 2,
      rows: 50,
      latencyMsBatch1: { p50: ms, p95: ms * 1.7 },
      latencyMsBatched: { rows: 32, p50: ms * 12, p95: ms * 15 },
      rowsPerSecond: 1000 / ms / 0.4,
    },
  };
}

function binsOf(accuracy: number, stream: number) {
  const random = randomFor(stream, 'bins');
  const confidence = Float64Array.from({ length: 3080 }, () =>
    Math.max(0.05, 1 - (1 - accuracy) * 9 * random() ** 4),
  );
  const correct = Uint8Array.from(confidence, (value) => (random() < value - 0.03 ? 1 : 0));
  return calibrationBins(confidence, correct);
}

function curve(
  { metrics, colour }: ModelResult,
  { from, to, best }: { from: number; to: number; best: number },
) {
  const random = randomFor(colour, 'curve');
  const points = (count: number, y: (share: number) => number): Point[] =>
    Array.from({ length: count }, (_, index) => {
      const share = (index + 1) / count;
      return { x: Math.round(1500 * share), y: y(share) };
    });
  return {
    name: metrics.name,
    colour,
    loss: points(100, (share) => to + (from - to) * Math.exp(-6 * share) * (0.9 + 0.2 * random())),
    validation: {
      figure: 'accuracy',
      points: points(15, (share) => best * (1 - Math.exp(-9 * share)) - 0.006 * random()),
    },
  };
}

const classNames = [
  'balance_not_updated_after_bank_transfer',
  'card_arrival',
  'transfer_not_received_by_recipient',
  'top_up_failed',
  'declined_card_payment',
  'pending_transfer',
  'wrong_exchange_rate_for_cash_withdrawal',
  'virtual_card_not_working',
  'why_verify_identity',
  'age_limit',
];

const confusions = classNames.map(
  (name, index) => [name, classNames[(index + 3) % classNames.length] ?? ''] as const,
);

const texts = [
  'I transferred some money but it has not arrived yet, what is going on?',
  'The <script>alert(1)</script> rate & the "fee" looked wrong',
  'Where is my new card?',
  'My top-up was declined twice today and I still see the pending charge in the app, although support said that it would be gone by now',
  'Why do you need my identity details?',
  'is there an age limit',
];
