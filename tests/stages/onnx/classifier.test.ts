import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openClassifier } from '#stages/onnx/classifier.ts';
import { countParameters } from '#stages/onnx/parameter-count.ts';
import { textFeeds, textInputs } from '#stages/onnx/text-inputs.ts';
import { lengthBatches, tokenRow } from '#stages/onnx/token-batches.ts';
import { graph, model, node, valueInfo } from '#stages/onnx/wire.ts';
import { failureOf } from '#tests/support/failure.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  exampleId,
  TINY_CLASSES,
  tinyLogits,
  tinyOnnx,
  tinyTokens,
} from '#tests/support/tiny-world.ts';
import { bagTeacher, echoModel } from './logit-models.ts';

const tokens = tinyTokens(Array.from({ length: 9 }, (_, row) => exampleId(row)));
const rows = tokens.exampleIds.map((_, row) => tokenRow(tokens, row));

test('a batch of rows of any length gives the logits of each row alone', async () => {
  const classifier = await openClassifier(written(tinyOnnx()), {
    device: 'cpu',
    threads: 1,
    padTokenId: 3,
  });
  try {
    const logits = await classifier.logits(rows);
    assert.equal(logits.length, rows.length * TINY_CLASSES.length);
    const expected = rows.flatMap((_, row) => tinyLogits(tokens, row));
    logits.forEach((logit, index) => assert.ok(Math.abs(logit - (expected[index] ?? 0)) < 1e-5));
  } finally {
    await classifier.close();
  }
});

test('an input that token ids cannot fill is named', async () => {
  const pixels = graph({
    inputs: [valueInfo('pixel_values', 'float32', ['batch', 3])],
    outputs: [valueInfo('logits', 'float32', ['batch', 3])],
    nodes: [node('Identity', ['pixel_values'], ['logits'])],
  });
  const failure = await failureOf(openClassifier(written(model(pixels)), { device: 'cpu' }));
  assert.equal(failure.code, 'E_MODEL_SIGNATURE');
  assert.match(failure.message, /input "pixel_values" \(float32\[batch, 3\]\)/);
});

test('a model without logits is refused with the outputs that it has', async () => {
  const hidden = graph({
    inputs: [valueInfo('input_ids', 'int64', ['batch', 'sequence'])],
    outputs: [valueInfo('last_hidden_state', 'int64', ['batch', 'sequence'])],
    nodes: [node('Identity', ['input_ids'], ['last_hidden_state'])],
  });
  const failure = await failureOf(openClassifier(written(model(hidden)), { device: 'cpu' }));
  assert.match(failure.message, /no output "logits" \(outputs: last_hidden_state\)/);
});

test('length batches hold every row once, short ones first', () => {
  const batches = lengthBatches(tokens, [0, 1, 2, 3, 4, 5, 6, 7, 8], 4);
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [4, 4, 1],
  );
  assert.deepEqual(
    batches.flat().toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
  const lengths = batches.flat().map((row) => rows[row]?.tokenIds.length ?? 0);
  assert.deepEqual(
    lengths,
    lengths.toSorted((a, b) => a - b),
  );
});

test('padding is on the right and masked, and positions count where tokens are', () => {
  const named = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids', 'pixels'];
  const inputs = textInputs(
    named.map((name) => ({ name, type: 'int32', shape: ['batch', 'sequence'] })),
  );
  const rows = [
    { tokenIds: Int32Array.of(5, 6), typeIds: Int32Array.of(0, 1) },
    { tokenIds: Int32Array.of(7), typeIds: null },
  ];
  const fed = (firstPosition?: number) => {
    const feeds = textFeeds(inputs, rows, { length: 2 }, { padTokenId: 9, firstPosition });
    return Object.values(feeds).map((one) => (one.type === 'int32' ? [...one.data] : []));
  };
  const [ids, mask, types] = [
    [5, 6, 7, 9],
    [1, 1, 1, 0],
    [0, 1, 0, 0],
  ];
  assert.deepEqual(fed(), [ids, mask, types, [0, 1, 0, 0]]);
  assert.deepEqual(fed(10), [ids, mask, types, [10, 11, 10, 9]]);
});

test('logits of float64 are taken as float32', async () => {
  const echo = echoModel({ type: 'float64', shape: ['batch', 2] });
  const options = { device: 'cpu', threads: 1, shapes: { x: [2] } } as const;
  const classifier = await openClassifier(written(echo), options);
  const x = Float32Array.of(0.5, -2);
  const row = { tokenIds: new Int32Array(), typeIds: null, features: { x } };
  assert.deepEqual(await classifier.logits([row, row]), Float32Array.of(0.5, -2, 0.5, -2));
  await classifier.close();
});

test('the parameters of a file are the elements of its float and byte weights', () => {
  assert.equal(countParameters(written(tinyOnnx())), 8 * 3);
  // Its weights are stored as int8: about one byte each.
  const mini = join(sampleFolder('mini'), 'teacher', 'onnx', 'model.onnx');
  const bytes = readFileSync(mini).length;
  assert.ok(countParameters(mini) > 0.7 * bytes && countParameters(mini) < bytes);
});

test('the mini teacher gives the reference logits of PyTorch within 0.15', async () => {
  const folder = sampleFolder('mini');
  const reference: Reference[] = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8'));
  const classifier = await openClassifier(join(folder, 'teacher', 'onnx', 'model.onnx'), {
    device: 'cpu',
  });
  try {
    for (const { input_ids, top } of reference.slice(0, 8)) {
      const row = { tokenIds: Int32Array.from(input_ids), typeIds: null };
      const logits = await classifier.logits([row]);
      for (const [classId, expected] of top) {
        const difference = Math.abs((logits[classId] ?? Number.NaN) - expected);
        assert.ok(difference < 0.15, String(difference));
      }
    }
  } finally {
    await classifier.close();
  }
});

interface Reference {
  readonly input_ids: readonly number[];
  readonly top: readonly (readonly [classId: number, logit: number])[];
}

function written(bytes: Uint8Array): string {
  const file = join(temporaryFolder(), 'model.onnx');
  writeFileSync(file, bytes);
  return file;
}

test('models of fixed shapes, of int32 inputs, of float masks and with logits of another name answer alike', async () => {
  const weights = new Float32Array(50 * 6).map((_, at) => Math.sin(at));
  const rows = [[3], [4, 5, 6], [7, 8]].map((ids) => ({
    tokenIds: Int32Array.from(ids),
    typeIds: null,
  }));
  const answers = [];
  for (const change of [
    {},
    { shape: [2, 'sequence'] as const },
    { shape: [1, 8] as const },
    { tokenType: 'int32' as const },
    { types: { attention_mask: 'float16' as const } },
    { inputs: ['input_ids', 'attention_mask', 'position_ids', 'token_type_ids'] },
  ]) {
    const path = join(temporaryFolder(), 'model.onnx');
    writeFileSync(path, bagTeacher({ weights, classCount: 6, ...change }));
    const classifier = await openClassifier(path, { device: 'cpu', threads: 1, output: 'logits' });
    answers.push(await classifier.logits(rows));
    await classifier.close();
  }
  const [plain, ...others] = answers;
  assert.equal(plain?.length, 18);
  for (const other of others) assert.deepEqual(other, plain);
});
