import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Split } from '#datasets/example.ts';
import { writeExamples } from '#datasets/examples.ts';
import { writeHardLabels } from '#datasets/hard-labels.ts';
import { writeMetrics, writeTimings } from '#datasets/metrics/metrics.ts';
import { writePredictions } from '#datasets/predictions.ts';
import { writeRelabelSummary } from '#datasets/relabel-summary.ts';
import { report } from '#stages/report/index.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  classFolder,
  exampleId,
  labelFolder,
  softLabelFolder,
  softLabelsOf,
  TINY_CLASSES,
  tinyMeta,
} from '#tests/support/tiny-world.ts';
import { reportFixture } from './report-fixture.ts';

const config = {
  title: 'Tiny',
  variants: ['gold-only', 'distilled'],
  exported: 'distilled',
  resolvedConfig: 'corpus:\n  train: [labelled.csv]\n',
};

test('the page is made from the artifacts', async () => {
  const page = await pageOf({ ...config, texts: 'full' });
  assert.match(page, /keeps 98\.3.% of the teacher\u2019s accuracy/);
  for (const text of [
    'Where is card 20?',
    'I lost card 3',
    'top 2 and the tail',
    'Rows set aside',
    'E_ROW_EMPTY',
    'train: [labelled.csv]',
    'a'.repeat(64),
  ]) {
    assert.ok(page.includes(text), text);
  }
  assert.ok(
    page.includes('id="training-loss-title"') && page.includes('id="validation-accuracy-title"'),
  );
});

test('the gain over the baseline is paired, and there is none without a baseline', async () => {
  const paired = await pageOf({ ...config, baseline: 'gold-only' });
  assert.match(paired, /points over gold labels only/);
  // One more of three rows is right: of each resample between none and all of them.
  assert.match(
    paired,
    /distilled has \+33\.3 points of accuracy beside gold-only \(0\.0 to \+100\.0\); distilled has \+33\.3/,
  );
  const alone = await pageOf(config);
  assert.ok(!alone.includes('beside gold-only') && !alone.includes('over gold labels only'));
});

test('doubtful labels of validation and test are told, those that are decided are not', async () => {
  const given = await inputs();
  const root = temporaryFolder();
  // The teacher and the student are sure of class 0 on ten rows, of which one is labelled 1.
  const ids = Array.from({ length: 20 }, (_, row) => exampleId(100 + row));
  const logits = ids.map((id, row) => ({ id, logits: row % 2 === 0 ? [6, 0, 0] : [0, 6, 0] }));
  const meta = tinyMeta();
  const labels = Object.fromEntries(ids.map((id, row) => [id, row === 4 ? 1 : row % 2]));
  const said = join(root, 'said');
  mkdirSync(said);
  await writePredictions(said, 'validation', {
    rowCount: ids.length,
    exampleIds: ids,
    predictedIds: Int32Array.from(ids, (_, row) => row % 2),
    confidence: new Float32Array(ids.length).fill(0.99),
    logits: Float32Array.from(logits.flatMap((one) => one.logits)),
  });
  const more = {
    ...given,
    'rows/validation': await softLabelFolder(
      join(root, 'rows'),
      softLabelsOf('validation', logits, meta),
      meta,
    ),
    'labels/validation': await labelFolder(join(root, 'labels'), labels),
    'predictions/validation': said,
  };
  const open = await pageOf(config, more);
  assert.match(open, /Of 20 validation labels 1 \(5\.0.%\) are doubted/);
  assert.ok(open.includes(ids[4] ?? '') && open.includes('labels review --split validation'));
  const corrections = join(root, 'decided.csv');
  writeFileSync(corrections, `example_id,corrected_label\n${ids[4]},${TINY_CLASSES[1]}\n`);
  const decided = await pageOf(config, more, { files: { corrections: [corrections] } });
  assert.match(decided, /Of 19 validation labels 0 /);
  assert.ok(!decided.includes(ids[4] ?? '-'));
});

test('fingerprints and versions of what made the students are told', async () => {
  const environment = { decant: '9.8.7', node: 'v20.1.0', tensorflow: '4.22.0' };
  const makers = {
    'log.distilled': {
      instance: 'train-student:distilled',
      fingerprint: 'ab'.repeat(32),
      environment,
    },
    'metrics.distilled': {
      instance: 'evaluate:distilled',
      fingerprint: 'cd'.repeat(32),
      environment: { ...environment, onnxruntime: '1.30.0' },
    },
  };
  const page = await pageOf(config, undefined, { makers });
  assert.ok(
    page.includes(
      'train-student:distilled abababababababab, by Decant 9.8.7, Node v20.1.0, TensorFlow 4.22.0, ONNX Runtime 1.30.0',
    ),
  );
});

test('models stand in the order of the config, the teacher first', async () => {
  const rows = [
    ...(await pageOf({ ...config, variants: ['distilled', 'gold-only'] })).matchAll(
      /<\/span>([\w-]+)<\/th>/g,
    ),
  ];
  assert.deepEqual(
    rows.map(([, name]) => name),
    ['teacher', 'distilled', 'gold-only'],
  );
});

test('by default no text of the corpus is shown, only ids', async () => {
  const page = await pageOf(config);
  assert.ok(!page.includes('Where is card') && !page.includes('I lost card'));
  assert.ok(page.includes(exampleId(20)) && page.includes(exampleId(3)));
});

test('masked texts keep their shape and lose their letters and digits', async () => {
  const page = await pageOf({ ...config, texts: 'masked' });
  assert.ok(page.includes('xxxxx xx xxxx 00?') && !page.includes('Where is card'));
});

test('relabelling, logs and rejects may be absent', async () => {
  const given = await inputs();
  const needed = Object.entries(given).filter(([key]) => !/^(hard-labels|log\.|rejects)/.test(key));
  const page = await pageOf(config, Object.fromEntries(needed));
  assert.ok(!page.includes('Relabelling</h2>') && !page.includes('Training</h2>'));
});

test('a student that was not evaluated cannot be the headline', async () => {
  const failure = await failureOf(
    runStage(report, { config: { ...config, exported: 'gone' }, inputs: await inputs() }),
  );
  assert.equal(failure.code, 'E_REPORT_EMPTY');
  assert.match(failure.message, /"gone"/);
});

test('a torn last line of a log is passed over', async () => {
  const given = await inputs();
  writeFileSync(
    join(given['log.distilled'] ?? '', 'metrics.jsonl'),
    '{"step":1,"loss":2}\n{"step":2,"loss":1}\n{"st',
  );
  assert.ok((await pageOf(config, given)).includes('id="training-loss-title"'));
});

async function pageOf(
  settings: object,
  given?: Record<string, string>,
  more: Partial<Parameters<typeof runStage>[1]> = {},
): Promise<string> {
  const run = await runStage(report, {
    config: settings,
    inputs: given ?? (await inputs()),
    ...more,
  });
  return readFileSync(join(run.outputs['report'] ?? '', 'report.html'), 'utf8');
}

async function inputs(): Promise<Record<string, string>> {
  const root = temporaryFolder();
  const folder = (name: string) => {
    const path = join(root, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const meta = tinyMeta();
  const rows = Array.from({ length: 12 }, (_, id) => ({
    id: exampleId(id),
    logits: [id / 3, 1, 0],
  }));
  const given: Record<string, string> = {
    classes: await classFolder(join(root, 'classes')),
    'rows/train': await softLabelFolder(
      join(root, 'rows'),
      softLabelsOf('train', rows, meta),
      meta,
    ),
    'labels/train': await labelFolder(join(root, 'labels-train'), { [exampleId(1)]: 0 }),
    'labels/test': await labelFolder(
      join(root, 'labels-test'),
      Object.fromEntries([20, 21, 22].map((id) => [exampleId(id), 0])),
    ),
    'inputs/train': folder('train'),
    'inputs/test': folder('test'),
    'hard-labels': folder('hard'),
    rejects: folder('rejects'),
  };
  await writeExamples(folder('train'), examples('train', 12, 'I lost card'));
  await writeExamples(
    folder('test'),
    examples('test', 3, 'Where is card', 20).map((example, row) => ({
      ...example,
      text: `Where is card ${20 + row}?`,
    })),
  );
  const summary = { formatVersion: 1, total: 2, counts: { E_ROW_EMPTY: 2 } };
  writeFileSync(join(folder('rejects'), 'summary.json'), JSON.stringify(summary));
  await writeRelabelling(folder('hard'));
  for (const { metrics, timings } of reportFixture().models.slice(0, 3)) {
    const { name } = metrics;
    given[`metrics.${name}`] = folder(`metrics-${name}`);
    given[`predictions.${name}`] = folder(`predictions-${name}`);
    await writeMetrics(folder(`metrics-${name}`), metrics);
    if (timings !== null) await writeTimings(folder(`metrics-${name}`), timings);
    await writePredictions(folder(`predictions-${name}`), 'test', {
      rowCount: 3,
      exampleIds: [20, 21, 22].map(exampleId),
      predictedIds: Int32Array.of(1, 0, name === 'distilled' ? 0 : 2),
      confidence: Float32Array.of(0.9, 0.8, 0.7),
      logits: new Float32Array(9),
    });
    if (name === 'teacher') continue;
    given[`log.${name}`] = folder(`log-${name}`);
    const lines = [
      { step: 50, loss: 2, gradNorm: 1, learningRate: 0.001 },
      { step: 50, validationAccuracy: 0.5, agreement: 0.6 },
      { step: 100, loss: 1, gradNorm: 1, learningRate: 0 },
      { step: 100, validationAccuracy: 0.7, agreement: null },
    ];
    const log = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    writeFileSync(join(folder(`log-${name}`), 'metrics.jsonl'), log);
  }
  return given;
}

function examples(split: Split, count: number, text: string, first = 0) {
  return Array.from({ length: count }, (_, row) => ({
    exampleId: exampleId(first + row),
    split,
    sourceId: null,
    text: `${text} ${first + row}`,
    textPair: null,
    weight: 1,
  }));
}

async function writeRelabelling(folder: string): Promise<void> {
  const calibration = { rows: 9, confidences: [0.5, 1], accuracies: [0.4, 1] };
  await writeRelabelSummary(folder, {
    formatVersion: 1,
    policy: 'fill-unlabelled',
    minConfidence: 0.9,
    filled: 1,
    disagreed: 4,
    belowConfidence: 6,
    keptGold: 1,
    calibration: { teacher: calibration, student: calibration },
  });
  await writeHardLabels(folder, [
    {
      exampleId: exampleId(3),
      split: 'train',
      oldLabel: null,
      oldLabelId: null,
      newLabel: TINY_CLASSES[1] ?? '',
      newLabelId: 1,
      reason: 'teacher-and-student-agree',
      teacherConfidence: 0.97,
      studentConfidence: 0.93,
      confidence: 0.93,
      fold: null,
    },
  ]);
}
