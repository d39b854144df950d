import assert from 'node:assert/strict';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { forwardInHalves } from '#stages/students/halves.ts';
import { initialise, unflatten } from '#stages/students/parameters.ts';
import type { ForwardInputs, StudentShape } from '#stages/students/student.ts';
import { tf } from '#tests/support/tensorflow.ts';

const SHAPE = {
  vocabularySize: 20,
  classCount: 3,
  maxLength: 6,
  layers: 2,
  hiddenSize: 8,
  heads: 2,
  intermediateSize: 12,
  dropout: 0.3,
  padTokenId: 0,
  clsTokenId: 1,
  sepTokenId: 2,
};
const ROWS = 4;

for (const architecture of ['modernbert', 'bert'] as const) {
  test(`${architecture}: halves give the logits and the gradient of the whole batch, dropout on`, () => {
    const [whole, halves] = [false, true].map((inHalves) => outcome(architecture, inHalves));
    assertClose(halves?.logits, whole?.logits);
    assertClose(halves?.gradient, whole?.gradient);
    assertClose(halves?.features, whole?.features);
    assert.deepEqual([whole?.passes, halves?.passes], [1, 2]);
  });
}

test('a batch of an odd number of rows goes as a whole', () => {
  assert.equal(outcome('bert', true, 3).passes, 1);
});

/** Logits, what the last layer reads, the gradient of the sum of squares, and forward passes that this took. */
function outcome(name: 'modernbert' | 'bert', inHalves: boolean, batchSize = ROWS) {
  const shape: StudentShape = { ...SHAPE, architecture: name };
  const architecture = architectureOf(name);
  const specs = architecture.parameters(shape);
  let passes = 0;
  const counted = {
    ...architecture,
    forward: (...given: Parameters<typeof architecture.forward>) => {
      passes += 1;
      return architecture.forward(...given);
    },
  };
  const ids = Int32Array.from({ length: batchSize * 6 }, (_, place) => 3 + ((7 * place) % 17));
  return tf.tidy(() => {
    const features: number[] = [];
    const inputs: ForwardInputs = {
      inputIds: tf.tensor1d(ids, 'int32'),
      lengths: tf.tensor1d([6, 4, 5, 2].slice(0, batchSize), 'int32'),
      batchSize,
      sequenceLength: 6,
      dropoutSeed: tf.tensor1d([3, 4], 'int32'),
      onFeatures: (rows) => features.push(...rows.dataSync()),
    };
    const forward = inHalves
      ? forwardInHalves
      : (...[tensorflow, student, ...given]: Parameters<typeof forwardInHalves>) =>
          student.forward(tensorflow, ...given);
    let logits: number[] = [];
    const gradient = tf.grad((flat) => {
      const answered = forward(tf, counted, unflatten(tf, flat.as1D(), specs), inputs, shape);
      logits = Array.from(answered.dataSync());
      return tf.sum(tf.square(answered));
    })(tf.tensor1d(initialise(specs, 1)));
    return { logits, features, gradient: Array.from(gradient.dataSync()), passes };
  });
}

function assertClose(found: readonly number[] = [], wanted: readonly number[] = []): void {
  assert.equal(found.length, wanted.length);
  assert.ok(wanted.length > 0);
  const largest = Math.max(...wanted.map(Math.abs));
  const off = Math.max(...found.map((value, index) => Math.abs(value - (wanted[index] ?? NaN))));
  assert.ok(off <= 1e-5 * largest, `off by ${off} of ${largest}`);
}
