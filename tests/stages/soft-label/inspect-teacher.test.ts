import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sigmoid } from '#stages/numerics/binary.ts';
import { graph, model, node, tensor, valueInfo } from '#stages/onnx/wire.ts';
import { type Inspection, inspectTeacher } from '#stages/soft-label/inspect-teacher.ts';
import { bagTeacher } from '#tests/stages/onnx/logit-models.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const CLASS_COUNT = 3;
const texts = ['where is my card', 'top up by cash'].map((text) => ({ text, textPair: null }));

/** A bag of tokens; with a softmax at its end or without. */
function bag(softmax: boolean): Uint8Array {
  const weights = Float32Array.from({ length: 1046 * CLASS_COUNT }, (_, i) => Math.sin(i) / 4);
  return bagTeacher({ weights, classCount: CLASS_COUNT, softmax });
}

/** What a teacher says of the texts. */
async function inspect(
  config: object,
  teacher: Uint8Array,
  rows: readonly object[] = texts,
): Promise<Inspection> {
  const folder = temporaryFolder();
  const files = { model: join(folder, 'model.onnx'), rows: join(folder, 'rows.json') };
  writeFileSync(files.model, teacher);
  writeFileSync(files.rows, JSON.stringify(rows));
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
    await inspect({}, bag(false)),
    await inspect({ task: 'multi-label' }, bag(false)),
    await inspect({ task: 'regression' }, bag(false)),
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

test('tensors beside the texts reach a teacher that reads both', async () => {
  const shape = ['batch', 'sequence'];
  const content = graph({
    name: 'both',
    nodes: [
      node('Cast', ['input_ids'], ['ids'], { to: { int: 1 } }),
      node('ReduceMin', ['ids'], ['least'], { axes: { ints: [1] } }),
      node('Mul', ['least', 'zero'], ['nothing']),
      node('Add', ['facts', 'nothing'], ['logits']),
    ],
    initializers: [tensor('zero', 'float32', [], Float32Array.of(0))],
    inputs: [
      valueInfo('input_ids', 'int64', shape),
      valueInfo('facts', 'float32', ['batch', CLASS_COUNT]),
    ],
    outputs: [valueInfo('logits', 'float32', ['batch', CLASS_COUNT])],
  });
  const rows = texts.map((one, row) => ({ ...one, features: { facts: [row, 0.5, -1] } }));
  const config = { task: 'regression', shapes: { facts: [CLASS_COUNT] } };
  const { predictions } = await inspect(config, model(content, { opset: 12 }), rows);
  assert.deepEqual(predictions, [
    { classId: 1, probability: 0.5, values: [0, 0.5, -1] },
    { classId: 0, probability: 1, values: [1, 0.5, -1] },
  ]);
});

test('numbers between 0 and 1 are probabilities of classes and of labels, but values as they are', async () => {
  assert.equal((await inspect({}, bag(true))).looksLikeProbabilities, true);
  assert.equal((await inspect({ task: 'multi-label' }, bag(true))).looksLikeProbabilities, true);
  assert.equal((await inspect({ task: 'regression' }, bag(true))).looksLikeProbabilities, false);
});
