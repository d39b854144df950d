import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Predictions, readPredictions, writePredictions } from '#datasets/predictions.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-predictions');

function predictionsOf(rowCount: number, classCount: number): Predictions {
  return {
    rowCount,
    exampleIds: Array.from({ length: rowCount }, (_, row) => `example ${row}`),
    predictedIds: Int32Array.from({ length: rowCount }, (_, row) => row % classCount),
    confidence: Float32Array.from({ length: rowCount }, (_, row) => 1 / (row + 1)),
    logits: Float32Array.from({ length: rowCount * classCount }, (_, index) => index / 7 - 3),
  };
}

test('predictions come back, in one row group and in several', async () => {
  for (const rowCount of [0, 1, 3, 10_001]) {
    const rows = predictionsOf(rowCount, 3);
    await writePredictions(folder, 'validation', rows);
    assert.deepEqual(await readPredictions(folder, 'validation'), rows);
  }
});

test('predictions of words come back with their positions', async () => {
  const rows = { ...predictionsOf(4, 3), positions: Int32Array.of(0, 1, 0, 3) };
  await writePredictions(folder, 'train', rows);
  assert.deepEqual(await readPredictions(folder, 'train'), rows);
});

test('predictions for another split are refused', async () => {
  await writePredictions(folder, 'train', predictionsOf(2, 3));
  copyFileSync(join(folder, 'train.parquet'), join(folder, 'test.parquet'));
  await assert.rejects(readPredictions(folder, 'test'), /rows of another split than test/);
});

test('columns of different lengths are refused', async () => {
  const rows = { ...predictionsOf(2, 3), logits: new Float32Array(5) };
  await assert.rejects(writePredictions(folder, 'test', rows), /2 rows with columns of 2, 2, 2, 5/);
});
