import assert from 'node:assert/strict';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import {
  decayMask,
  fromNamed,
  initialise,
  layoutOf,
  toNamed,
  unflatten,
  WeightsMismatchError,
} from '#stages/students/parameters.ts';
import { type StudentShape, StudentShapeError } from '#stages/students/student.ts';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import { smallShape } from './golden.ts';

const architectures = ['modernbert', 'bert', 'bag', 'textcnn'] as const;

test('the flat vector, its names and its tensors hold the same weights', () => {
  const { tf } = loadTensorflow({ device: 'cpu' });
  for (const name of architectures) {
    const specs = specsOf(smallShape(name));
    const flat = initialise(specs, 3);
    const named = toNamed(flat, specs);
    assert.deepEqual(fromNamed(named, specs), flat);
    const tensors = unflatten(tf, tf.tensor1d(flat), specs);
    for (const { name, shape } of specs) {
      assert.deepEqual(tensors[name]?.shape, [...shape]);
      assert.deepEqual(tensors[name]?.dataSync(), named.get(name));
    }
  }
});

test('the layout has no gaps and no name twice', () => {
  for (const name of architectures) {
    const { size, places } = layoutOf(specsOf(smallShape(name)));
    const end = places.reduce((expected, { offset, length }) => {
      assert.equal(offset, expected);
      return offset + length;
    }, 0);
    assert.equal(end, size);
    assert.equal(new Set(places.map(({ name }) => name)).size, places.length);
  }
});

test('students of the default shape have the parameter counts of the published recipe', () => {
  const sample = { vocabularySize: 2_400, classCount: 77, maxLength: 64, hiddenSize: 128 };
  const millions = architectures.map((name) => {
    const intermediateSize = name === 'bert' ? 512 : 256;
    const { size } = layoutOf(specsOf({ ...smallShape(name), ...sample, intermediateSize }));
    return (size / 1e6).toFixed(2);
  });
  assert.deepEqual(millions, ['0.66', '0.74', '0.36', '0.32']);
});

test('the same seed gives the same start and another seed another', () => {
  const specs = specsOf(smallShape('modernbert'));
  assert.deepEqual(initialise(specs, 1), initialise(specs, 1));
  assert.notDeepEqual(initialise(specs, 1), initialise(specs, 2));
});

test('a parameter starts the same whatever else the student has', () => {
  const shape = smallShape('bert');
  const name = 'bert.encoder.layer.1.intermediate.dense.weight';
  const start = (layers: number) => {
    const specs = specsOf({ ...shape, layers });
    return toNamed(initialise(specs, 1), specs).get(name);
  };
  assert.deepEqual(start(2), start(4));
});

test('modernbert starts as Hugging Face starts it', () => {
  const specs = specsOf({ ...smallShape('modernbert'), hiddenSize: 128 });
  const named = toNamed(initialise(specs, 1), specs);
  // A normal distribution cut off at 2 standard deviations keeps 0.88 of its own deviation.
  const expected = {
    'model.embeddings.tok_embeddings.weight': 0.02,
    'model.layers.0.attn.Wqkv.weight': 0.02,
    'model.layers.1.mlp.Wo.weight': 0.01,
    'head.dense.weight': 0.01,
    'classifier.weight': 128 ** -0.5,
  };
  for (const [name, std] of Object.entries(expected)) {
    const values = named.get(name) ?? new Float32Array();
    assert.ok(Math.max(...values.map(Math.abs)) <= 2 * std + 1e-7, name);
    assert.ok(Math.abs(deviation(values) / (0.88 * std) - 1) < 0.15, name);
  }
  assert.ok(named.get('model.final_norm.weight')?.every((gain) => gain === 1));
  assert.ok(named.get('classifier.bias')?.every((bias) => bias === 0));
});

test('bert starts with identities where the tokens pass to the pooler', () => {
  const shape = smallShape('bert');
  const specs = specsOf(shape);
  const named = toNamed(initialise(specs, 1), specs);
  const identity = new Float32Array(shape.hiddenSize ** 2).map((_, index) =>
    index % (shape.hiddenSize + 1) === 0 ? 1 : 0,
  );
  const layers = ['attention.self.value', 'attention.output.dense'].flatMap((part) =>
    [0, 1].map((layer) => `bert.encoder.layer.${layer}.${part}.weight`),
  );
  for (const name of [...layers, 'bert.pooler.dense.weight']) {
    assert.deepEqual(named.get(name), identity, name);
  }
  const queries = named.get('bert.encoder.layer.0.attention.self.query.weight');
  assert.ok(Math.abs(deviation(queries ?? new Float32Array()) / 0.02 - 1) < 0.1);
});

test('decay pulls on matrices and not on biases and gains', () => {
  for (const name of architectures) {
    const specs = specsOf(smallShape(name));
    const mask = toNamed(decayMask(specs), specs);
    for (const { name, shape } of specs) {
      assert.ok(
        mask.get(name)?.every((decays) => decays === (shape.length >= 2 ? 1 : 0)),
        name,
      );
    }
  }
});

test('weights of another student are refused with the name and the sizes', () => {
  const specs = specsOf(smallShape('bag'));
  const named = toNamed(initialise(specs, 1), specs);
  named.set('hidden.bias', new Float32Array(3));
  assert.throws(
    () => fromNamed(named, specs),
    new WeightsMismatchError('"hidden.bias" has 3 values, not [48] = 48'),
  );
  named.delete('hidden.bias');
  assert.throws(() => fromNamed(named, specs), /"hidden.bias" is missing/);
});

test('heads that do not divide the width are refused', () => {
  const shape = { ...smallShape('bert'), hiddenSize: 32, heads: 3 };
  assert.throws(() => specsOf(shape), StudentShapeError);
  const odd: StudentShape = { ...shape, architecture: 'modernbert', hiddenSize: 30, heads: 2 };
  assert.throws(() => specsOf(odd), /no even head size/);
});

function specsOf(shape: StudentShape) {
  return architectureOf(shape.architecture).parameters(shape);
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
