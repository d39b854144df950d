import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GoldLabel, readLabels, writeLabels } from '#datasets/labels.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-labels');

test('labels come back in order, several of one example included', async () => {
  const labels: GoldLabel[] = [
    { exampleId: 'a', labelId: 3, label: 'card arrival', weight: 0.75 },
    { exampleId: 'a', labelId: 0, label: 'top up 💸', weight: 0.25 },
    { exampleId: 'b', labelId: 0, label: 'top up 💸', weight: 1 },
  ];
  await writeLabels(folder, labels);
  assert.deepEqual(await readLabels(folder), labels);
});

test('weights are kept as float32', async () => {
  await writeLabels(folder, [{ exampleId: 'a', labelId: 0, label: 'x', weight: 1 / 3 }]);
  assert.equal((await readLabels(folder))[0]?.weight, Math.fround(1 / 3));
});
