import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HardLabel, readHardLabels, writeHardLabels } from '#datasets/hard-labels.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-hard-labels');
const filled: HardLabel = {
  exampleId: 'a',
  split: 'train',
  oldLabel: null,
  oldLabelId: null,
  newLabel: 'card arrival',
  newLabelId: 2,
  reason: 'fill-unlabelled',
  teacherConfidence: 0.5,
  studentConfidence: 0.25,
  confidence: null,
  fold: null,
};

test('hard labels come back, with and without an old label', async () => {
  const rows: HardLabel[] = [
    filled,
    { ...filled, exampleId: 'b', oldLabel: '', oldLabelId: 0 },
    { ...filled, exampleId: 'c', split: 'validation', confidence: 0.25 },
  ];
  await writeHardLabels(folder, rows);
  assert.deepEqual(await readHardLabels(folder), rows);
});

test('a hard label for a test example is refused', async () => {
  const rows: HardLabel[] = [filled, { ...filled, exampleId: 'held-out', split: 'test' }];
  await assert.rejects(writeHardLabels(folder, rows), /example held-out is a test example/);
});

test('no hard labels at all is a table without rows', async () => {
  await writeHardLabels(folder, []);
  assert.deepEqual(await readHardLabels(folder), []);
});
