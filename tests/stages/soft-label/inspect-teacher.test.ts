import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sigmoid } from '#stages/numerics/binary.ts';
import { type Inspection, inspectTeacher } from '#stages/soft-label/inspect-teacher.ts';
import { bagTeacher } from '#tests/stages/onnx/logit-models.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const CLASS_COUNT = 3;
const texts = ['where is my card', 'top up by cash'].map((text) => ({ text, textPair: null }));

/** What a bag of tokens says of the texts; with a softmax at its end or without. */
async function inspect(config: object, softmax: boolean): Promise<Inspection> {
  const folder = temporaryFolder();
  const files = { model: join(folder, 'model.onnx'), rows: join(folder, 'rows.json') };
  const weights = Float32Array.from({ length: 1046 * CLASS_COUNT }, (_, i) => Math.sin(i) / 4);
  writeFileSync(files.model, bagTeacher({ weights, classCount: CLASS_COUNT, softmax }));
  writeFileSync(files.rows, JSON.stringify(texts));
  const { outputs } = await runStage(inspectTeacher, {
    config: { classCount: CLASS_COUNT, maxLength: 16, device: 'cpu', threads: 1, ...config },
    files: {
      model: [files.model],
      rows: [files.rows],
      tokenizer: [join(sampleFolder('mini'), 'teacher', 'tokenizer.json')],
    },
  });
  return JSON.parse(readFileSync(join(outputs['inspection'] ?? '', 'inspection.json'), 'utf8'));
}

test('a teacher of one class says a share, one of several labels a yes, one of numbers a value', async () => {
  const [one, several, values] = [
    await inspect({}, false),
    await inspect({ task: 'multi-label' }, false),
    await inspect({ task: 'regression' }, false),
  ];
  for (const [row, { classId, probability: value }] of values.predictions.entries()) {
    const yes = several.predictions[row];
    assert.equal(yes?.classId, classId);
    assert.ok(Math.abs((yes?.probability ?? NaN) - sigmoid(value)) < 1e-6);
    const share = one.predictions[row]?.probability ?? NaN;
    assert.ok(share > 1 / CLASS_COUNT && share < 1 && Math.abs(share - sigmoid(value)) > 1e-3);
  }
  assert.ok(![one, several, values].some(({ looksLikeProbabilities }) => looksLikeProbabilities));
});

test('numbers between 0 and 1 are probabilities of classes and of labels, but values as they are', async () => {
  assert.equal((await inspect({}, true)).looksLikeProbabilities, true);
  assert.equal((await inspect({ task: 'multi-label' }, true)).looksLikeProbabilities, true);
  assert.equal((await inspect({ task: 'regression' }, true)).looksLikeProbabilities, false);
});
