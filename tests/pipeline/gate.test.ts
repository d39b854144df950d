import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { type AnyMetrics, writeMetrics, writeTimings } from '#datasets/metrics/metrics.ts';
import { checkedConfig } from '#pipeline/config/config.ts';
import { checkGate, requireGate } from '#pipeline/gate/gate.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const check = (gate: object, more: object = {}) =>
  checkGate(checkedConfig('decant.yaml', stringify({ ...miniConfig, gate, ...more })));
const evaluate = { slices: ['channel'], robustness: { typos: { swapLetters: 0.2 } } };

test('gates name figures of classes, slices and changed texts, flat or nested', () => {
  check(
    {
      accuracy: 0.9,
      'recall.fraud': 0.9,
      averagePrecision: { fraud: 0.5 },
      'slice.long.accuracy': 0.8,
      slice: { channel: { 'web.shop': { accuracy: 0.8 } } },
      'robustness.typos.macroF1': 0.7,
      'linearCka.pooled': 0.3,
    },
    { evaluate, 'soft-label': { hidden: ['pooled'] } },
  );
});

test('a gate that nothing measures is refused with the nearest that is', () => {
  for (const [name, said] of [
    ['acuracy', 'did you mean accuracy?'],
    ['slice.chanel.web.accuracy', 'did you mean slice.channel.VALUE.accuracy?'],
    ['slice.channel.accuracy', 'did you mean slice.'],
    ['robustness.typo.accuracy', 'did you mean robustness.typos.accuracy?'],
    ['slice.longest.accuracy', 'did you mean slice.long.accuracy?'],
    ['linearCka.pooled', 'known: accuracy, '],
  ] as const) {
    assert.throws(
      () => check({ [name]: 0.5 }, { evaluate }),
      (error: Error) => error.message.includes(`gate.${name}: no figure; ${said}`),
      name,
    );
  }
  assert.throws(() => check({ 'robustness.typos.accuracy': 0.5 }), /no figure/);
});

test('a class that corpus.classNames does not name is refused before anything runs', () => {
  const corpus = { ...miniConfig.corpus, classNames: ['fraud', 'other'] };
  check({ 'recall.fraud': 0.9 }, { corpus });
  assert.throws(() => check({ 'recall.fruad': 0.9 }, { corpus }), /did you mean recall\.fraud\?/);
});

test('what is better when it is less has a most for its gate', async () => {
  const metrics = { distilled: classifier({ accuracy: 0.9 }) };
  const passes = {
    expectedCalibrationError: 0.05,
    negativeLogLikelihood: 0.4,
    fileMb: 2,
    parameters: 1000,
    latencyMsBatch1: { p50: 1, p95: 2.5 },
    rowsPerSecond: 100,
  };
  await gateOn(passes, metrics);
  await refused(
    { expectedCalibrationError: 0.04, latencyMsBatch1: { p95: 1.9 }, rowsPerSecond: 101 },
    metrics,
    'expectedCalibrationError is 0.0500, wanted at most 0.04; latencyMsBatch1.p95 is 2.0000, wanted at most 1.9; rowsPerSecond is 100.0000, wanted at least 101',
  );
});

test('the gain is over the one variant that no teacher reaches', async () => {
  const metrics = {
    distilled: classifier({ accuracy: 0.9 }),
    'gold-only': classifier({ accuracy: 0.8 }),
    relabelled: classifier({ accuracy: 0.95 }),
  };
  const variants = {
    'gold-only': { softLossWeight: 0 },
    distilled: {},
    relabelled: { softLossWeight: 0, labels: 'hard-relabel', initFrom: 'distilled' },
  };
  const more = { variants };
  await gateOn({ gainOverGoldOnly: 0.09 }, metrics, more);
  await refused({ gainOverGoldOnly: 0.11 }, metrics, 'gainOverGoldOnly is 0.1000', more);
});

test('what is told beside teacher and gold goes by the leading figure of the task', async () => {
  const tagger = (f1: number) => ({ ...classifier({ accuracy: 0.99 }), words: wordsOf(f1) });
  const taggers = { teacher: tagger(0.8), distilled: tagger(0.6), 'gold-only': tagger(0.5) };
  const variants = { 'gold-only': { softLossWeight: 0 }, distilled: {} };
  const more = { variants, task: 'token-classification', 'hard-relabel': undefined };
  await gateOn({ accuracyVsTeacher: 0.74, gainOverGoldOnly: 0.09 }, taggers, more);
  await refused({ accuracyVsTeacher: 0.76 }, taggers, 'accuracyVsTeacher is 0.7500', more);
  const numbers = (pearson: number): AnyMetrics => ({
    formatVersion: 1,
    task: 'regression',
    name: 'distilled',
    subject: 'student',
    rows: 10,
    figures: { pearson, spearman: 0, meanSquaredError: 1, meanAbsoluteError: 0.5 },
    agreement: null,
    parameters: null,
    fileBytes: 1,
    perClass: [],
  });
  const regressors = { teacher: numbers(0.8), distilled: numbers(0.6), 'gold-only': numbers(0.5) };
  const asNumbers = { ...more, task: 'regression' };
  await gateOn({ gainOverGoldOnly: 0.09, meanAbsoluteError: 0.5 }, regressors, asNumbers);
  await refused({ meanSquaredError: 0.9 }, regressors, 'wanted at most 0.9', asNumbers);
});

test('the gate looks at the file that the export recommends', async () => {
  const metrics = {
    distilled: classifier({ accuracy: 0.95 }),
    'distilled.int8': classifier({ accuracy: 0.85 }),
  };
  const more = { export: { quantize: ['int8'] } };
  await gateOn({ accuracy: 0.9 }, metrics, more, 'onnx/model.onnx');
  await assert.rejects(
    gateOn({ accuracy: 0.9 }, metrics, more, 'onnx/model_quantized.onnx'),
    /distilled\.int8 does not pass the gate: accuracy is 0\.8500/,
  );
});

async function gateOn(
  gate: object,
  metrics: Record<string, AnyMetrics>,
  more: object = {},
  recommended?: string,
) {
  const config = { ...miniConfig, variants: { distilled: {} }, gate, ...more };
  const loaded = checkedConfig('decant.yaml', stringify(config));
  checkGate(loaded);
  const artifacts = new Map<string, { readonly folder: string }>();
  for (const [name, found] of Object.entries(metrics)) {
    const folder = join(temporaryFolder(), name);
    const place = join(folder, 'metrics');
    mkdirSync(place, { recursive: true });
    await writeMetrics(place, found);
    await writeTimings(place, TIMINGS);
    artifacts.set(`evaluate:${name}`, { folder });
  }
  if (recommended !== undefined) {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'student'));
    const decant = { recommended_file: { file: recommended, because: 'it is small' } };
    writeFileSync(join(folder, 'student', 'config.json'), JSON.stringify({ decant }));
    artifacts.set('export-student:distilled', { folder });
  }
  await requireGate(loaded, artifacts);
}

async function refused(
  gate: object,
  metrics: Record<string, AnyMetrics>,
  said: string,
  more: object = {},
) {
  await assert.rejects(gateOn(gate, metrics, more), (error: Error) => {
    assert.ok(error.message.includes(said), error.message);
    return true;
  });
}

function classifier({ accuracy }: { readonly accuracy: number }): AnyMetrics {
  return {
    formatVersion: 1,
    name: 'distilled',
    subject: 'student',
    rows: 10,
    accuracy,
    accuracyInterval: [0, 1],
    agreement: null,
    expectedCalibrationError: 0.05,
    macroF1: accuracy,
    negativeLogLikelihood: 0.4,
    goldOutsideTopK: 0,
    parameters: 1000,
    fileBytes: 2e6,
    calibrationBins: [],
    confusions: [],
    perClass: [],
  };
}

function wordsOf(f1: number) {
  const entities = { support: 1, predicted: 1, precision: f1, recall: f1, f1, perType: [] };
  return { sentences: 1, unanswered: 0, entities };
}

const TIMINGS = {
  formatVersion: 1,
  provider: 'cpu',
  runtime: 'onnxruntime 1',
  threads: 1,
  rows: 50,
  latencyMsBatch1: { p50: 1, p95: 2 },
  rowsPerSecond: 100,
} as const;
