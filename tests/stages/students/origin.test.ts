import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readGraphNodes } from '#stages/onnx/graph-nodes.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { type Origin, readOrigin } from '#stages/students/origin.ts';
import { writeSafetensors } from '#stages/students/safetensors.ts';
import { halfModel } from '#tests/support/half-model.ts';
import { graphForms, namelessBert } from '#tests/support/nameless-bert.ts';
import { goldenFolder, sampleFolder } from '#tests/support/paths.ts';
import { smallCheckpoint } from '#tests/support/small-checkpoints.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

// No TensorFlow in this file: what is read here is compared bit for bit with what was written.

const folder = temporaryFolder('decant-origin');
const golden = (name: string) => join(goldenFolder, 'hf-golden', name);

for (const [type, head] of [
  ['bert', 'text'],
  ['bert', 'token'],
  ['roberta', 'text'],
  ['roberta', 'token'],
  ['distilbert', 'text'],
  ['distilbert', 'token'],
] as const) {
  test(`the ONNX file of a ${type} that answers each ${head} has the weights of its safetensors`, async () => {
    const { config, tensors } = smallCheckpoint(type, head);
    const made = join(folder, `${type}-${head}`);
    mkdirSync(made, { recursive: true });
    writeFileSync(join(made, 'config.json'), JSON.stringify(config));
    await writeSafetensors(join(made, 'model.safetensors'), tensors);
    writeFileSync(join(made, 'model.onnx'), await checkpointOnnx(made));
    const stored = await originOf(made, 'model.safetensors');
    assertEqualTensors(await originOf(made, 'model.onnx'), stored);
    assert.equal(
      stored.tensors.has('bert.pooler.dense.weight'),
      head === 'text' && type !== 'distilbert',
    );
    assert.ok([...stored.tensors.keys()].every((name) => /^(bert\.|classifier\.)/.test(name)));
  });
}

test('positions of RoBERTa begin behind that of padding, and its one token type stands for both', async () => {
  const { tensors } = smallCheckpoint('roberta', 'text');
  const { tensors: taken } = await originOf(join(folder, 'roberta-text'), 'model.safetensors');
  const written = (name: string) =>
    tensors.find((one) => one.name === name)?.values ?? assert.fail();
  const positions = taken.get('bert.embeddings.position_embeddings.weight')?.read();
  assert.deepEqual(positions?.shape, [38, 16]);
  assert.deepEqual(
    positions?.values,
    written('roberta.embeddings.position_embeddings.weight').slice(32),
  );
  const types = taken.get('bert.embeddings.token_type_embeddings.weight')?.read();
  const one = written('roberta.embeddings.token_type_embeddings.weight');
  assert.deepEqual(types?.values, Float32Array.from([...one, ...one]));
});

for (const form of graphForms) {
  test(`weights of a graph without names are found by what is done with them: ${form}`, async () => {
    const made = join(folder, form);
    mkdirSync(made, { recursive: true });
    const { config, tensors } = smallCheckpoint('bert', 'text');
    writeFileSync(join(made, 'config.json'), JSON.stringify(config));
    const { model, exact } = namelessBert(tensors, form);
    writeFileSync(join(made, 'model.onnx'), model);
    const { tensors: found } = await originOf(made, 'model.onnx');
    for (const { name, shape, values } of tensors) {
      const own = found.get(name)?.read() ?? assert.fail(name);
      assert.deepEqual(own.shape, shape, name);
      assertWithin(own.values, values, exact ? 0 : 0.02, name);
    }
  });
}

for (const precision of ['8 bits', '16 bits'] as const) {
  test(`a real teacher stored in ${precision} gives every weight of its config.json`, async () => {
    const teacher = join(sampleFolder('mini'), 'teacher');
    const model = join(folder, `mini ${precision}.onnx`);
    const bytes = readFileSync(join(teacher, 'onnx', 'model.onnx'));
    writeFileSync(model, precision === '8 bits' ? bytes : halfModel(bytes));
    const config = join(teacher, 'config.json');
    const { tensors, layers, heads, classNames } = await readOrigin({ config, weights: [model] });
    assert.deepEqual([layers, heads, classNames?.length, tensors.size], [2, 2, 12, 5 + 2 * 16 + 4]);
    // What the exporter left its name, its numbers are those of the file.
    const { constants } = readGraphNodes(model);
    assert.ok(constants.has('m.classifier.bias'));
    assert.deepEqual(tensors.get('classifier.bias')?.shape, constants.get('m.classifier.bias'));
  });
}

test("what is no encoder of BERT's kind is refused by name, with what it is", async () => {
  const config = join(golden('modernbert'), 'config.json');
  const model = join(sampleFolder('mini'), 'teacher', 'onnx', 'model.onnx');
  await assert.rejects(readOrigin({ config, weights: [model] }), {
    code: 'E_INITIALISE_FROM',
    message: /model\.onnx: weights of a modernbert are read from model\.safetensors only/,
  });
  const made = join(folder, 'modern.onnx');
  writeFileSync(made, await checkpointOnnx(golden('modernbert')));
  const bert = join(golden('bert'), 'config.json');
  await assert.rejects(readOrigin({ config: bert, weights: [made] }), {
    code: 'E_INITIALISE_FROM',
    message: /modern\.onnx: no attention of BERT's kind is in it; its operators: Add, .*Softmax/,
  });
  const other = join(folder, 'config.json');
  writeFileSync(other, JSON.stringify({ model_type: 'deberta-v2' }));
  await assert.rejects(readOrigin({ config: other, weights: [made] }), {
    code: 'E_INITIALISE_FROM',
    message: /config\.json: [^]*model_type/,
    fix: /initialise\.from/,
  });
});

function originOf(made: string, weights: string): Promise<Origin> {
  return readOrigin({ config: join(made, 'config.json'), weights: [join(made, weights)] });
}

function assertEqualTensors(actual: Origin, expected: Origin): void {
  assert.deepEqual([...actual.tensors.keys()].sort(), [...expected.tensors.keys()].sort());
  for (const [name, tensor] of expected.tensors) {
    const own = actual.tensors.get(name);
    assert.deepEqual(own?.shape, tensor.shape, name);
    assert.deepEqual(own?.read().values, tensor.read().values, name);
  }
}

function assertWithin(
  actual: Float32Array,
  expected: Float32Array,
  tolerance: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length, what);
  const worst = actual.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? NaN))),
    0,
  );
  assert.ok(worst <= tolerance, `${what}: ${worst} > ${tolerance}`);
}
