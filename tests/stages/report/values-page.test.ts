import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCurve } from '#stages/report/gather-log.ts';
import { valuesPage } from '#stages/report/values-page.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { valuesFixture } from './values-fixture.ts';

test('the page of several labels has the plots that the page of classes has', () => {
  const page = valuesPage(valuesFixture());
  for (const id of ['size', 'latency', 'validation-microF1', 'training-loss', 'entropy']) {
    assert.ok(page.includes(`id="${id}-title"`), id);
  }
  assert.equal(page.match(/id="reliability-\d-title"/g)?.length, 4);
  assert.match(page, /Micro-F1 against size/);
  assert.match(
    page,
    /distilled has \+4\.0 points of micro-F1 beside gold-only \(\+3\.1 to \+4\.9\)/,
  );
  assert.ok(!/NaN|undefined|Infinity/.test(page));
});

test('of numbers, errors have no percent, and what nobody knows has no plot', () => {
  const data = valuesFixture();
  const models = data.models.map((model, at) => ({
    ...model,
    metrics: {
      ...model.metrics,
      task: 'regression' as const,
      figures: { pearson: 0.8 - at / 10, meanSquaredError: 1.5 },
      intervals: { pearson: [0.5, 0.9] as [number, number] },
      calibrationBins: undefined,
      perClass: [],
    },
  }));
  const page = valuesPage({
    ...data,
    models,
    headline: models[2] ?? data.headline,
    teacher: models[0] ?? null,
    gains: [{ over: 'gold-only', figure: 'pearson', value: 0.1, interval: [0.05, 0.15] }],
    curves: [],
    entropy: null,
  });
  assert.match(page, /Pearson against size/);
  assert.match(page, /\+0\.100 of Pearson beside gold-only/);
  assert.ok(!page.includes('reliability-0') && !page.includes('id="entropy-title"'));
});

test('the curve of a task is the figure that leads it', async () => {
  for (const [figure, line] of [
    ['microF1', { validationAccuracy: null, validationMicroF1: 0.5 }],
    ['pearson', { validationAccuracy: null, validationError: 2, validationCorrelation: 0.5 }],
    ['negativeLogLikelihood', { validationAccuracy: 0.1, validationNll: 0.5 }],
    ['accuracy', { validationAccuracy: 0.5 }],
  ] as const) {
    const folder = join(temporaryFolder(), figure);
    mkdirSync(folder);
    writeFileSync(join(folder, 'metrics.jsonl'), `${JSON.stringify({ step: 5, ...line })}\n`);
    const { validation } = await readCurve(folder, { name: 'x', colour: 1 });
    assert.deepEqual(validation, { figure, points: [{ x: 5, y: 0.5 }] });
  }
});
