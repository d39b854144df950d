import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { fromNamed, initialise, unflatten } from '#stages/students/parameters.ts';
import type { ForwardInputs, StudentShape } from '#stages/students/student.ts';
import type { Scalar, Tensor1D } from '#stages/tensorflow/runtime.ts';
import { assertClose } from '#tests/support/assert-close.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { batchOf, readGolden, smallShape, unpaddedRows } from './golden.ts';

for (const name of ['bert', 'modernbert'] as const) {
  describe(`${name} with the weights of a Hugging Face model`, () => {
    test('has exactly its parameters', async () => {
      const golden = await readGolden(name);
      const specs = architectureOf(name).parameters(golden.shape);
      assert.deepEqual(
        new Map(specs.map(({ name, shape }) => [name, [...shape]])),
        new Map([...golden.stored].map(([name, { shape }]) => [name, [...shape]])),
      );
    });

    // A rate at which no draw is low enough: the pass with dropout, which a student may compute another way.
    for (const [how, dropout] of [
      ['', 0],
      [', also in a pass with dropout', 1e-12],
    ] as const) {
      test(`gives its logits within 1e-5${how}`, async () => {
        const golden = await readGolden(name);
        const flat = fromNamed(golden.weights, architectureOf(name).parameters(golden.shape));
        const inputs = batchOf(tf, unpaddedRows(golden.case), 11, [1, 2]);
        const logits = forward({ ...golden.shape, dropout }, flat, inputs);
        assertClose(logits, golden.case.logits.flat(), 1e-5);
      });

      test(`gives its loss and its gradients within 1e-4${how}`, async () => {
        const golden = await readGolden(name);
        const specs = architectureOf(name).parameters(golden.shape);
        const flat = fromNamed(golden.weights, specs);
        const inputs = batchOf(tf, unpaddedRows(golden.case), 11, [1, 2]);
        const shape = { ...golden.shape, dropout };
        const { loss, gradient } = crossEntropy(shape, flat, inputs, golden.case.labels);
        assertClose([loss], [golden.case.loss], 1e-5);
        const named = unflatten(tf, tf.tensor1d(gradient), specs);
        for (const [parameter, expected] of Object.entries(golden.case.gradients)) {
          const values = named[parameter]?.dataSync() ?? [];
          assertClose(Array.from(values).slice(0, 6), expected.first, 1e-4, parameter);
          assertClose([Math.hypot(...values)], [expected.norm], 1e-4, parameter);
        }
      });
    }
  });
}

for (const name of ['modernbert', 'bert', 'bag', 'textcnn'] as const) {
  describe(name, () => {
    const shape = smallShape(name);
    const specs = architectureOf(name).parameters(shape);
    const flat = initialise(specs, 1);

    test('gives a row the same logits alone, in a batch, and with more padding', () => {
      const alone = logitsOf(shape, flat, [[1, 7, 9, 2]], 4);
      const batch = logitsOf(
        shape,
        flat,
        [
          [1, 7, 9, 2],
          [1, 30, 31, 32, 33, 34, 2],
        ],
        7,
      );
      const padded = logitsOf(shape, flat, [[1, 7, 9, 2]], 24);
      assertClose(batch.slice(0, shape.classCount), alone, 1e-6);
      assertClose(padded, alone, 1e-6);
    });

    test('ignores what stands in the padding', () => {
      const clean = batchOf(tf, [[1, 7, 9, 2, 0, 0]], 6);
      const dirty = batchOf(tf, [[1, 7, 9, 2, 55, 56]], 6);
      const lengths = tf.tensor1d([4], 'int32');
      assert.deepEqual(
        forward(shape, flat, { ...clean, lengths }),
        forward(shape, flat, { ...dirty, lengths }),
      );
    });

    test('gives finite logits for a filler row without tokens', () => {
      const logits = logitsOf(shape, flat, [[1, 7, 2], []], 4);
      assert.ok(logits.every(Number.isFinite));
    });

    test('gives every parameter a gradient', () => {
      const rows = Array.from({ length: 4 }, (_, row) =>
        Array.from({ length: 64 }, (_, column) => (row * 64 + column) % shape.vocabularySize),
      );
      // Not the start itself: an identity start and equal tokens would hide nothing, zeros would.
      const noisy = flat.map((weight, index) => weight + 0.1 * Math.sin(index));
      const { gradient } = crossEntropy(shape, noisy, batchOf(tf, rows, 64), [0, 1, 2, 3]);
      const named = unflatten(tf, tf.tensor1d(gradient), specs);
      const untouched = specs.filter(
        ({ name }) => !(named[name]?.dataSync() ?? []).some((value) => value !== 0),
      );
      assert.deepEqual(untouched, []);
    });

    test('draws the same dropout from the same seed and another from another seed', () => {
      const dropping = { ...shape, dropout: 0.3 };
      const run = (seed: readonly [number, number]) =>
        forward(dropping, flat, batchOf(tf, [[1, 7, 9, 2]], 4, seed));
      assert.deepEqual(run([1, 2]), run([1, 2]));
      assert.notDeepEqual(run([1, 2]), run([1, 3]));
      assert.notDeepEqual(run([1, 2]), run([2, 2]));
      const without = forward(dropping, flat, batchOf(tf, [[1, 7, 9, 2]], 4));
      assert.notDeepEqual(run([1, 2]), without);
      assert.deepEqual(forward(shape, flat, batchOf(tf, [[1, 7, 9, 2]], 4, [1, 2])), without);
    });

    test('leaves no tensors behind', () => {
      const before = tf.memory().numTensors;
      tf.tidy(() => forward(shape, flat, batchOf(tf, [[1, 7, 9, 2]], 4, [1, 2])));
      assert.equal(tf.memory().numTensors, before);
    });
  });
}

test('bert reads batches that are padded past maxLength to a multiple of 8', () => {
  const shape = { ...smallShape('bert'), maxLength: 13 };
  const flat = initialise(architectureOf('bert').parameters(shape), 1);
  const padded = logitsOf(shape, flat, [[1, 7, 9, 2]], 16);
  assertClose(padded, logitsOf(shape, flat, [[1, 7, 9, 2]], 4), 1e-6);
});

function logitsOf(
  shape: StudentShape,
  flat: Float32Array,
  rows: readonly (readonly number[])[],
  sequenceLength: number,
): number[] {
  return forward(shape, flat, batchOf(tf, rows, sequenceLength));
}

function forward(shape: StudentShape, flat: Float32Array, inputs: ForwardInputs): number[] {
  const architecture = architectureOf(shape.architecture);
  const named = unflatten(tf, tf.tensor1d(flat), architecture.parameters(shape));
  return Array.from(architecture.forward(tf, named, inputs, shape).dataSync());
}

function crossEntropy(
  shape: StudentShape,
  flat: Float32Array,
  inputs: ForwardInputs,
  labels: readonly number[],
): { loss: number; gradient: Float32Array } {
  const architecture = architectureOf(shape.architecture);
  const specs = architecture.parameters(shape);
  const gold = tf.oneHot(tf.tensor1d([...labels], 'int32'), shape.classCount);
  const loss = (weights: Tensor1D): Scalar => {
    const logits = architecture.forward(tf, unflatten(tf, weights, specs), inputs, shape);
    return tf.neg(tf.mean(tf.sum(tf.mul(gold, tf.logSoftmax(logits)), 1)));
  };
  const { value, grad } = tf.valueAndGrad((weights) => loss(weights as Tensor1D))(
    tf.tensor1d(flat),
  );
  return { loss: value.dataSync()[0] ?? Number.NaN, gradient: grad.dataSync<'float32'>() };
}
