import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFor } from '#stages/numerics/random.ts';
import { openClassifier } from '#stages/onnx/classifier.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { sizeOf } from '#stages/students/features.ts';
import { initialise, toNamed, unflatten } from '#stages/students/parameters.ts';
import type { ForwardInputs, StudentShape } from '#stages/students/student.ts';
import type { Scalar, Tensor1D } from '#stages/tensorflow/runtime.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { corpusFile } from '#tests/support/corpus-file.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { batchOf, smallShape } from './golden.ts';

const BATCH = 3;

/** Odd sizes, so that a halving leaves a place without a neighbour. */
const kinds: Readonly<Record<string, Partial<StudentShape>>> = {
  'an image': { features: [{ name: 'image', shape: [7, 5, 3] }] },
  'an image with channels first': {
    features: [{ name: 'image', shape: [3, 5, 7] }],
    channels: 'first',
  },
  'an image with one mean': { features: [{ name: 'image', shape: [7, 5, 3] }], poolGrid: 1 },
  'a large filter': { features: [{ name: 'image', shape: [11, 10, 2] }], kernelSize: 5, layers: 1 },
  'a sequence': { features: [{ name: 'frames', shape: [9, 4] }], layers: 3 },
  'an image, a sequence and numbers': {
    features: [
      { name: 'image', shape: [4, 4, 1] },
      { name: 'frames', shape: [5, 2] },
      { name: 'facts', shape: [2] },
    ],
  },
};

for (const [kind, more] of Object.entries(kinds)) {
  const shape = shapeOf(more);
  const start = startOf(shape);

  test(`cnn of ${kind}: the gradient is the one that finite differences show, and every parameter has one`, () => {
    const inputs = tensorsOf(shape);
    const gradient = checkedGradient(shape, start, inputs);
    const parts = unflatten(tf, tf.tensor1d(gradient), specsOf(shape));
    for (const [name, part] of Object.entries(parts)) {
      assert.ok(
        part.dataSync().some((value) => value !== 0),
        name,
      );
    }
  });

  test(`cnn of ${kind}: the ONNX file is the student`, async (t) => {
    const inputs = tensorsOf(shape);
    const bytes = architectureOf('cnn').onnx(shape, toNamed(start, specsOf(shape)));
    const shapes = Object.fromEntries((shape.features ?? []).map((one) => [one.name, one.shape]));
    const path = corpusFile(temporaryFolder(), 'model.onnx', bytes);
    const classifier = await openClassifier(path, { device: 'cpu', shapes });
    t.after(() => classifier.close());
    const rows = Array.from({ length: BATCH }, (_, row) => ({
      tokenIds: new Int32Array(),
      typeIds: null,
      features: Object.fromEntries(
        (shape.features ?? []).map(({ name, shape }) => {
          const size = sizeOf(shape);
          const values = Float32Array.from(inputs.features?.[name]?.dataSync() ?? []);
          return [name, values.subarray(row * size, (row + 1) * size)];
        }),
      ),
    }));
    const named = unflatten(tf, tf.tensor1d(start), specsOf(shape));
    const logits = architectureOf('cnn').forward(tf, named, inputs, shape).dataSync<'float32'>();
    assertAllClose(await classifier.logits(rows), logits, 1e-5, 'logit');
  });
}

test('cnn halves by the maximum and then takes the mean: one filter of ones, by hand', () => {
  const shape = shapeOf({
    features: [{ name: 'image', shape: [2, 2, 1] }],
    kernelSize: 1,
    poolGrid: 1,
    layers: 1,
    hiddenSize: 1,
    classCount: 1,
  });
  const inputs = {
    ...tensorsOf(shape),
    batchSize: 1,
    features: { image: tf.tensor2d([[1, -2, 3, 4]]) },
  };
  const named = unflatten(tf, tf.tensor1d([2, 1, 10, 0.5]), specsOf(shape));
  const [logit = Number.NaN] = architectureOf('cnn').forward(tf, named, inputs, shape).dataSync();
  // ReLU(2 x + 1) is 3, 0, 7 and 9; its mean times 10, and 0.5.
  assertClose(logit, (10 * (3 + 0 + 7 + 9)) / 4 + 0.5, 1e-6, 'logit');
});

test('cnn refuses what it cannot slide over, by the name of the tensor', () => {
  const refused = (more: Partial<StudentShape>, problem: RegExp): void => {
    assert.throws(() => specsOf(shapeOf(more)), { code: 'E_STUDENT_SHAPE', message: problem });
  };
  refused({ features: [{ name: 'pixels', shape: [784] }] }, /"pixels" \[784\].*slide/);
  refused({ features: [{ name: 'video', shape: [3, 8, 8, 3] }] }, /"video".*4 axes/);
  refused({ features: [{ name: 'image', shape: [1, 28, 28] }] }, /"image".*28 channels/);
  refused({ features: [{ name: 'image', shape: [8, 8, 1] }], layers: 4 }, /"image".*single place/);
  assert.doesNotThrow(() =>
    specsOf(shapeOf({ features: [{ name: 'image', shape: [1, 28, 28] }], channels: 'last' })),
  );
});

test('textcnn: of equal windows one has the gradient, as finite differences show', () => {
  const shape = smallShape('textcnn');
  const inputs = batchOf(
    tf,
    [
      [1, 7, 7, 7, 7, 7, 2],
      [1, 8, 8, 8, 2],
      [9, 9, 9],
    ],
    8,
  );
  checkedGradient(shape, startOf(shape), inputs);
});

test('textcnn says max over windows of relu(w x + b), by hand, and reads past the end as zeros', () => {
  const shape = {
    ...smallShape('textcnn'),
    vocabularySize: 4,
    hiddenSize: 1,
    kernelWidths: [2],
    filters: 1,
    classCount: 1,
  };
  // Embeddings 0, 1, -3, 2; filter (1, 10); bias 0.5; classifier 2 x + 0.25.
  const named = unflatten(
    tf,
    tf.tensor1d([0, 1, -3, 2, 1, 10, 0.5, 2, 0.25]),
    architectureOf('textcnn').parameters(shape),
  );
  const of = (row: readonly number[]): number =>
    architectureOf('textcnn')
      .forward(tf, named, batchOf(tf, [row], 5), shape)
      .dataSync()[0] ?? Number.NaN;
  assertClose(of([1, 3]), 2 * (1 + 20 + 0.5) + 0.25, 1e-6, 'two tokens');
  assertClose(of([3]), 2 * (2 + 0.5) + 0.25, 1e-6, 'a token and zeros');
  assertClose(of([2]), 0.25, 1e-6, 'nothing above 0');
});

function shapeOf(more: Partial<StudentShape>): StudentShape {
  return { ...smallShape('cnn'), vocabularySize: 0, hiddenSize: 8, classCount: 4, ...more };
}

function specsOf(shape: StudentShape) {
  return architectureOf(shape.architecture).parameters(shape);
}

/** No zeros, in which a missing term could hide. */
function startOf(shape: StudentShape): Float32Array {
  return initialise(specsOf(shape), 1).map((weight, index) => weight + 0.1 * Math.sin(index));
}

function tensorsOf({ features = [] }: StudentShape): ForwardInputs {
  const random = randomFor(1, 'tensors');
  const tensors = features.map(({ name, shape }) => {
    const values = Float32Array.from({ length: BATCH * sizeOf(shape) }, () => 2 * random() - 1);
    return [name, tf.tensor2d(values, [BATCH, sizeOf(shape)])] as const;
  });
  return {
    inputIds: tf.zeros([BATCH * 8], 'int32'),
    lengths: tf.ones([BATCH], 'int32'),
    batchSize: BATCH,
    sequenceLength: 8,
    features: Object.fromEntries(tensors),
  };
}

/** The gradient of a cross-entropy, held against central differences along three directions. */
function checkedGradient(
  shape: StudentShape,
  start: Float32Array,
  inputs: ForwardInputs,
): Float32Array {
  const architecture = architectureOf(shape.architecture);
  const gold = tf.oneHot(tf.tensor1d([0, 1, 2], 'int32'), shape.classCount);
  const loss = (weights: Tensor1D): Scalar => {
    const named = unflatten(tf, weights, architecture.parameters(shape));
    const logits = architecture.forward(tf, named, inputs, shape);
    return tf.neg(tf.mean(tf.sum(tf.mul(gold, tf.logSoftmax(logits)), 1)));
  };
  const at = (weights: Float32Array): number =>
    loss(tf.tensor1d(weights)).dataSync<'float32'>()[0] ?? Number.NaN;
  const { grad } = tf.valueAndGrad((weights) => loss(weights as Tensor1D))(tf.tensor1d(start));
  const gradient = grad.dataSync<'float32'>();
  for (const frequency of [0.7, 1.7, 2.9]) {
    const direction = start.map((_, index) => Math.cos(index * frequency));
    const moved = (step: number) => start.map((weight, i) => weight + step * (direction[i] ?? 0));
    const slope = gradient.reduce((sum, value, i) => sum + value * (direction[i] ?? 0), 0);
    const measured = (at(moved(1e-4)) - at(moved(-1e-4))) / 2e-4;
    const bound = 0.01 * Math.max(1, Math.abs(slope));
    assert.ok(Math.abs(measured - slope) < bound, `${measured} and ${slope}`);
  }
  return gradient;
}
