import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOutcome } from '#pipeline/outcome.ts';
import { reportFixture } from '#tests/stages/report/report-fixture.ts';

test('the end of a run says how often the exported student answers, and which file to deploy', () => {
  const { metrics, timings } = reportFixture().headline;
  const figures = { goal: 'precision >= 0.95', rows: 993, answered: 731, right: 695 };
  const operatingPoint = { ...figures, rows: 3079, answered: 2402, right: 2291 };
  const told = describeOutcome({
    schemaVersion: 1,
    models: [{ name: 'distilled', metrics: { ...metrics, operatingPoint }, timings }],
    operatingPoint: {
      formatVersion: 1,
      temperature: 1.25,
      threshold: 0.8,
      thresholds: {},
      rowsForOwn: 20,
      sharing: [],
      validation: figures,
    },
    recommendedFile: { file: 'onnx/model_quantized.onnx', because: 'the smallest file' },
  });
  assert.match(
    told,
    /precision >= 0\.95: on validation the student answers 73\.6 % of 993 rows, 95\.1 % of them rightly; on test it answers 78\.0 % of 3,079 rows, 95\.4 % of them rightly\n/,
  );
  assert.match(told, /recommended file: onnx\/model_quantized\.onnx, the smallest file\n/);
});
