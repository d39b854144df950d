import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMetrics, readTimings } from '#datasets/metrics/metrics.ts';
import { writeSliceValues } from '#datasets/metrics/slice-values.ts';
import { writeOperatingPoint } from '#datasets/operating-point.ts';
import { type Predictions, readPredictions } from '#datasets/predictions.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { scoresFromLogits } from '#stages/evaluate/scores.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { TINY_CLASSES, TINY_VOCABULARY, tinyOnnx } from '#tests/support/tiny-world.ts';
import { best, gold, ids, inputs, logits } from './tiny-test-split.ts';

test('a student is run over all test rows and measured against gold and teacher', async () => {
  const run = await runStage(evaluate, {
    config: { subject: 'student', name: 'distilled', threads: 1, latencyRuns: 5 },
    inputs: await inputs('student'),
  });
  const metrics = await readMetrics(run.outputs['metrics'] ?? '');
  assert.equal(metrics.rows, 68);
  assert.equal(metrics.accuracy, 58 / 68);
  assert.ok(metrics.accuracyInterval[0] < 58 / 68 && metrics.accuracyInterval[1] > 58 / 68);
  assert.equal(metrics.agreement, 1);
  assert.equal(metrics.parameters, TINY_VOCABULARY * TINY_CLASSES.length);
  assert.equal(metrics.fileBytes, tinyOnnx().length);
  assert.equal(metrics.goldOutsideTopK, 0);
  assert.equal(
    metrics.confusions.reduce((sum, { count }) => sum + count, 0),
    10,
  );
  assert.deepEqual(
    metrics.perClass.map(({ label }) => label),
    TINY_CLASSES,
  );

  const predictions = await readPredictions(run.outputs['predictions'] ?? '', 'test');
  assert.deepEqual(predictions.exampleIds, ids);
  assert.deepEqual([...predictions.predictedIds], best);
  predictions.logits.forEach((logit, index) => {
    assert.ok(Math.abs(logit - (logits.flat()[index] ?? 0)) < 1e-5);
  });
  assert.match(run.notes.join(), /2 test rows have no gold label/);
  const timings = (await readTimings(run.outputs['metrics'] ?? '')) ?? assert.fail();
  assert.equal(timings.rows, 5);
});

test('a student that may abstain is measured by what it answers', async () => {
  const point = join(temporaryFolder(), 'operating-point');
  const [temperature, threshold] = [1.5, 0.6];
  await writeOperatingPoint(point, {
    formatVersion: 1,
    temperature,
    threshold,
    thresholds: { age_limit: 2 },
    rowsForOwn: 20,
    sharing: [],
    validation: { goal: 'precision >= 0.9', rows: 1, answered: 1, right: 1 },
  });
  const run = await runStage(evaluate, {
    config: { subject: 'student', name: 'distilled', threads: 1, latencyRuns: 1 },
    inputs: { ...(await inputs('student')), 'operating-point': point },
  });
  const { operatingPoint } = await readMetrics(run.outputs['metrics'] ?? '');
  const spoken = ids.flatMap((id, row) => {
    const said = best[row] ?? -1;
    const isSure = Math.max(...softmax(logits[row] ?? [], temperature)) >= threshold;
    return id in gold && isSure && TINY_CLASSES[said] !== 'age_limit' ? [gold[id] === said] : [];
  });
  assert.deepEqual(operatingPoint, {
    goal: 'precision >= 0.9',
    rows: 68,
    answered: spoken.length,
    right: spoken.filter(Boolean).length,
  });
  assert.ok(spoken.length > 5 && spoken.length < 60);
});

test('the area under the precision-recall curve is that of each class against all others', async () => {
  const run = await runStage(evaluate, {
    config: { subject: 'student', name: 'distilled', latencyRuns: 1 },
    inputs: await inputs('student'),
  });
  const metrics = await readMetrics(run.outputs['metrics'] ?? '');
  const predictions = await readPredictions(run.outputs['predictions'] ?? '', 'test');
  const expected = TINY_CLASSES.map((_, classId) => slowAveragePrecision(classId, predictions));
  for (const [classId, { averagePrecision }] of metrics.perClass.entries()) {
    assert.ok(Math.abs((averagePrecision ?? 0) - (expected[classId] ?? 1)) < 1e-9);
  }
  const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
  assert.ok(Math.abs((metrics.meanAveragePrecision ?? 0) - mean) < 1e-9 && mean < 1);
  assert.deepEqual(metrics.featureSimilarity, {
    missing: 'the cache holds no features of the teacher (soft-label.hidden)',
  });
});

test('rows are measured by what they have in a column of the corpus', async () => {
  const given = await inputs('student');
  const values = ids.map((exampleId, row) => ({
    exampleId,
    column: 'channel',
    value: row % 2 === 0 ? 'app' : null,
  }));
  await writeSliceValues(given['labels/test'] ?? '', values);
  const run = await runStage(evaluate, {
    config: { subject: 'student', name: 'x', latencyRuns: 1, slices: ['channel'] },
    inputs: given,
  });
  const { columnSlices = [] } = await readMetrics(run.outputs['metrics'] ?? '');
  const rightOf = (odd: number) =>
    ids.filter((id, row) => row >= 2 && row % 2 === odd && gold[id] === best[row]).length / 34;
  assert.deepEqual(
    columnSlices.map(({ column, value, rows, figures }) => [
      column,
      value,
      rows,
      figures['accuracy'],
    ]),
    [
      ['channel', 'app', 34, rightOf(0)],
      ['channel', '(none)', 34, rightOf(1)],
    ],
  );
});

test('the teacher is measured from its cache; its model only runs to be timed', async () => {
  const folder = temporaryFolder();
  const model = join(folder, 'model.onnx');
  const weights = join(folder, 'weights.bin');
  writeFileSync(model, tinyOnnx());
  writeFileSync(weights, new Uint8Array(100));
  const run = await runStage(evaluate, {
    config: { subject: 'teacher', name: 'teacher', latencyRuns: 3 },
    files: { model: [model, weights] },
    inputs: await inputs('teacher', { topK: 1 }),
  });
  const metrics = await readMetrics(run.outputs['metrics'] ?? '');
  assert.equal(metrics.accuracy, 58 / 68);
  assert.equal(metrics.agreement, null);
  // k = 1: the gold class of every wrong row stands outside.
  assert.equal(metrics.goldOutsideTopK, 10);
  // k = 1 says nothing of how likely the other classes are.
  assert.equal(metrics.meanAveragePrecision, undefined);
  assert.match(run.notes.join(), /lower bound/);
  assert.equal(metrics.parameters, TINY_VOCABULARY * TINY_CLASSES.length);
  assert.equal(metrics.fileBytes, tinyOnnx().length + 100);
});

test('speed knobs change no byte but the timings', async () => {
  const given = await inputs('student');
  const run = (config: object) =>
    runStage(evaluate, { config: { subject: 'student', name: 'x', ...config }, inputs: given });
  const [one, two] = [
    await run({ threads: 1, latencyRuns: 1 }),
    await run({ threads: 2, latencyRuns: 9 }),
  ];
  for (const [output, file] of [
    ['metrics', 'metrics.json'],
    ['predictions', 'test.parquet'],
  ] as const) {
    const bytes = [one, two].map(({ outputs }) => readFileSync(join(outputs[output] ?? '', file)));
    assert.deepEqual(bytes[0], bytes[1]);
  }
});

/** Mean over the rows of the class of the precision among all rows that score as high, as its definition says. */
function slowAveragePrecision(classId: number, { logits: said }: Predictions): number {
  const scores = scoresFromLogits(ids, said, TINY_CLASSES.length);
  const rows = ids.slice(2).map((id, at) => ({
    score: scores.logProbOf(at + 2, classId).value,
    isYes: gold[id] === classId,
  }));
  const yes = rows.filter(({ isYes }) => isYes);
  const precisionAt = (score: number) => {
    const found = rows.filter((row) => row.score >= score);
    return found.filter(({ isYes }) => isYes).length / found.length;
  };
  return yes.reduce((sum, { score }) => sum + precisionAt(score), 0) / yes.length;
}
