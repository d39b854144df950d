import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { fromNamed, unflatten } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { loadTensorflow, type Scalar, type Tensor1D } from '#stages/tensorflow/runtime.ts';
import { assertClose } from '#tests/support/assert-close.ts';
import { failingWith } from '#tests/support/failure.ts';
import {
  batchOf,
  readTokenGolden,
  TOKEN_GOLDENS,
  type TokenGolden,
  unpaddedRows,
} from './golden.ts';

const { tf } = loadTensorflow({ device: 'cpu' });
const LENGTH = 8;

for (const name of TOKEN_GOLDENS) {
  describe(`${name} with the weights of a Hugging Face model`, () => {
    test('has exactly its parameters', async () => {
      const { shape, stored } = await readTokenGolden(name);
      const specs = architectureOf(shape.architecture).parameters(shape);
      assert.deepEqual(
        new Map(specs.map(({ name, shape }) => [name, [...shape]])),
        new Map([...stored].map(([name, { shape }]) => [name, [...shape]])),
      );
    });

    test('gives its logits of the asked tokens within 1e-5, among all and alone', async () => {
      const golden = await readTokenGolden(name);
      const { places } = askedOf(golden);
      const all = logitsOf(golden);
      assertClose(
        places.flatMap((place) => all[place] ?? []),
        golden.case.logits.flat(),
        1e-5,
      );
      assertClose(logitsOf(golden, places).flat(), golden.case.logits.flat(), 1e-5);
    });

    test('gives its loss and its gradients within 1e-4', async () => {
      const golden = await readTokenGolden(name);
      const { loss, gradient, specs } = crossEntropy(golden, weightsOf(golden));
      assertClose([loss], [golden.case.loss], 1e-5);
      const named = unflatten(tf, tf.tensor1d(gradient), specs);
      for (const [parameter, expected] of Object.entries(golden.case.gradients)) {
        const values = named[parameter]?.dataSync() ?? [];
        assertClose(Array.from(values).slice(0, 6), expected.first, 1e-4, parameter);
        assertClose([Math.hypot(...values)], [expected.norm], 1e-4, parameter);
      }
    });
  });
}

test('gpt2 sees no token behind the one that it answers for', async () => {
  const golden = await readTokenGolden('gpt2');
  const flat = weightsOf(golden);
  const [first] = unpaddedRows(golden.case);
  const rows = [first ?? []];
  const changed = [[...(first ?? []).slice(0, 4), 1, 1, 1]];
  const before = forward(golden.shape, flat, rows);
  const after = forward(golden.shape, flat, changed);
  assertClose(after.slice(0, 4).flat(), before.slice(0, 4).flat(), 0);
  assert.notDeepEqual(after[4], before[4]);
});

test('gpt2 is refused where nothing asks for the next token', async () => {
  const { shape } = await readTokenGolden('gpt2');
  const { languageModel: _, ...classifier } = shape;
  assert.throws(
    () => architectureOf('gpt2').parameters(classifier),
    failingWith('E_STUDENT_SHAPE', 'gpt2: it says which token follows'),
  );
});

function weightsOf({ shape, weights }: TokenGolden): Float32Array {
  return fromNamed(weights, architectureOf(shape.architecture).parameters(shape));
}

/** Places of the asked tokens in a batch padded to LENGTH, and the class wanted of each. */
function askedOf({ case: { labels } }: TokenGolden) {
  const asked = labels.flatMap((row, index) =>
    row.flatMap((label, at) => (label < 0 ? [] : [{ place: index * LENGTH + at, label }])),
  );
  return { places: asked.map(({ place }) => place), classes: asked.map(({ label }) => label) };
}

function logitsOf(golden: TokenGolden, answerAt?: readonly number[]): number[][] {
  return forward(golden.shape, weightsOf(golden), unpaddedRows(golden.case), answerAt);
}

function forward(
  shape: StudentShape,
  flat: Float32Array,
  rows: readonly (readonly number[])[],
  answerAt?: readonly number[],
): number[][] {
  const architecture = architectureOf(shape.architecture);
  const named = unflatten(tf, tf.tensor1d(flat), architecture.parameters(shape));
  const asked = answerAt && { answerAt: tf.tensor1d([...answerAt], 'int32') };
  const batch = { ...batchOf(tf, rows, LENGTH), ...asked };
  return architecture.forward(tf, named, batch, shape).arraySync();
}

function crossEntropy(golden: TokenGolden, flat: Float32Array) {
  const { shape } = golden;
  const architecture = architectureOf(shape.architecture);
  const specs = architecture.parameters(shape);
  const { places, classes } = askedOf(golden);
  const gold = tf.oneHot(tf.tensor1d(classes, 'int32'), shape.classCount);
  const answerAt = tf.tensor1d(places, 'int32');
  const batch = { ...batchOf(tf, unpaddedRows(golden.case), LENGTH), answerAt };
  const { value, grad } = tf.valueAndGrad((weights): Scalar => {
    const named = unflatten(tf, weights as Tensor1D, specs);
    const logits = architecture.forward(tf, named, batch, shape);
    return tf.neg(tf.mean(tf.sum(tf.mul(gold, tf.logSoftmax(logits)), 1)));
  })(tf.tensor1d(flat));
  return {
    loss: value.dataSync()[0] ?? Number.NaN,
    gradient: grad.dataSync<'float32'>(),
    specs,
  };
}
