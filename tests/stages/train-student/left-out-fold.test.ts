import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { foldOf } from '#datasets/folds.ts';
import { readLabels, writeLabels } from '#datasets/labels.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { classNames, syntheticInputs } from './synthetic-corpus.ts';

const leftOutFold = { fold: 2, of: 4 };
const config = { layers: 1, hiddenSize: 8, steps: 12, batchSize: 16, device: 'cpu', leftOutFold };
const inputs = await syntheticInputs();
const { exampleIds } = await readTokens(inputs['tokens/student/train'] ?? '');
const isLeftOut = (exampleId: string) => foldOf(exampleId, leftOutFold.of) === leftOutFold.fold;
const run = await runStage(trainStudent, { config, inputs });

test('a student learns nothing of the fold that it leaves out, and is asked about all rows', async () => {
  const left = exampleIds.filter(isLeftOut);
  assert.ok(left.length > 0 && left.length < exampleIds.length / 2);
  assert.equal(run.counts['transferRows'], exampleIds.length - left.length);
  const answered = await readPredictions(run.outputs['predictions'] ?? '', 'train');
  assert.deepEqual(answered.exampleIds, exampleIds);

  const other = await syntheticInputs();
  const folder = other['labels/train'] ?? '';
  const labels = await readLabels(folder);
  const wrong = labels.map((label) => {
    if (!isLeftOut(label.exampleId)) return label;
    const labelId = (label.labelId + 1) % classNames.length;
    return { ...label, labelId, label: classNames[labelId] ?? '' };
  });
  assert.notDeepEqual(wrong, labels);
  await writeLabels(folder, wrong);
  const again = await runStage(trainStudent, { config, inputs: other });
  assert.deepEqual(await weightsOf(again), await weightsOf(run));
});

function weightsOf({ outputs }: StageRun): Promise<Buffer> {
  return readFile(join(outputs['student'] ?? '', 'model.safetensors'));
}
