import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { nativeBackend } from '#stages/tensorflow/runtime.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import type { RecordingOptions } from '#stages/tensorflow/step-recorder.ts';
import { XlaUnavailableError, xlaProblem } from '#stages/tensorflow/xla.ts';
import { createExecutor } from '#stages/train-student/executor.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { tinyBatch, tinyProgram } from '#tests/support/tiny-program.ts';

const found = xlaProblem(tf);

test('XLA compiles here', () => {
  assert.equal(found, null);
});

test('steps compiled with XLA are those of the graph within 1e-4, dropout on, parts and average too', () => {
  const program = tinyProgram({
    accumulates: true,
    optimizer: { ...tinyProgram().optimizer, averageDecay: 0.9 },
  });
  const [graph, xla] = [
    createGraphStepper(tf, program),
    createGraphStepper(tf, program, { xla: true }),
  ];
  for (let step = 0; step < 10; step++) {
    const [plain, compiled] = [graph, xla].map((stepper) => take(stepper, step));
    assertClose(compiled?.loss ?? NaN, plain?.loss ?? NaN, 1e-4, `loss of step ${step}`);
    assertClose(compiled?.gradNorm ?? NaN, plain?.gradNorm ?? NaN, 1e-4, `norm of step ${step}`);
  }
  assertAllClose(xla.state().weights, graph.state().weights, 1e-4, 'weight');
  assertAllClose(xla.evaluate(8, tinyBatch(8, 3)), graph.evaluate(8, tinyBatch(8, 3)), 1e-4);
  [graph, xla].forEach((stepper) => stepper.dispose());
});

test('bf16 rounds the matrix products of a step and nothing of what is evaluated', () => {
  const [exact, rounded] = steppersOf({}, { precision: 'bf16' });
  assert.deepEqual(rounded.evaluate(4, tinyBatch(4, 1)), exact.evaluate(4, tinyBatch(4, 1)));
  const [first, second] = [exact, rounded].map((stepper) => stepper.step(4, tinyBatch(4, 0), 0.01));
  assert.notEqual(second?.loss, first?.loss);
  assertClose(second?.loss ?? NaN, first?.loss ?? NaN, 0.02);
  assertClose(second?.gradNorm ?? NaN, first?.gradNorm ?? NaN, 0.05);
  for (let step = 1; step < 60; step++) rounded.step(4, tinyBatch(4, 1), 0.03);
  const { loss } = rounded.step(4, tinyBatch(4, 1), 0.03);
  assert.ok(loss < 0.6 * (first?.loss ?? 0), `it learns: ${first?.loss} -> ${loss}`);
  [exact, rounded].forEach((stepper) => stepper.dispose());
});

test('bf16 rounds what a convolution reads, forwards and in both derivatives', () => {
  const image = tf.tensor4d([1 + FINE, 1], [1, 1, 2, 1]);
  const imageValues = image.dataSync() as Float32Array;
  const program = tinyProgram({
    initialWeights: Float32Array.of(1 + FINE, 1 - FINE),
    decayMask: new Float32Array(2),
    buckets: [1],
    feeds: () => [{ name: 'image', dtype: 'float32', shape: [1, 1, 2, 1] }],
    loss(tf, weights, feeds) {
      const x = feeds['image'] as typeof image;
      // The weights are read twice, so that the derivative by the input of the second product is needed.
      const filter = tf.reshape(weights, [1, 2, 1, 1]) as typeof image;
      const first = tf.conv2d(
        tf.mul<typeof x>(x, tf.reshape(weights, [1, 1, 2, 1])),
        filter,
        1,
        'valid',
      );
      return { loss: tf.sum(first), parts: {} };
    },
    evaluationFeeds: () => [],
    evaluate: (_tf, weights) => weights,
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0, maxGradNorm: Infinity },
  });
  const [exact, rounded] = (['float32', 'bf16'] as const).map((precision) => {
    const stepper = createGraphStepper(tf, program, { precision });
    const { loss } = stepper.step(1, { image: imageValues }, 1);
    const { weights } = stepper.state();
    stepper.dispose();
    return { loss, gradient: [1 + FINE - (weights[0] ?? NaN), 1 - FINE - (weights[1] ?? NaN)] };
  });
  // x w^2, and its derivative 2 x w; rounded, 1 + FINE is 1 wherever a convolution reads it.
  assertClose(exact?.loss ?? NaN, (1 + FINE) ** 3 + (1 - FINE) ** 2, 1e-6);
  assert.equal(rounded?.loss, 2);
  assertClose(exact?.gradient[0] ?? NaN, 2 * (1 + FINE) ** 2, 1e-6);
  assertClose(rounded?.gradient[0] ?? NaN, 1 + FINE + 1, 1e-6);
});

test('the executor is the one asked for, and a fallback is an error or told', () => {
  const settings = { executor: 'graph', xla: true, precision: undefined } as const;
  const compiled = createExecutor(tf, tinyProgram(), settings);
  assert.deepEqual([compiled.stepper.kind, compiled.xla, compiled.warning], ['graph', true, null]);
  compiled.stepper.dispose();
  const { message, fix } = new XlaUnavailableError('TensorFlow compiled nothing with it');
  assert.match(message, /^xla: true, but TensorFlow compiled nothing/);
  assert.match(fix, /if-possible/);
});

test('2,000 steps leave memory and the number of tensors as they were', () => {
  const stepper = createGraphStepper(tf, tinyProgram());
  const countAfter = (from: number, to: number) => {
    for (let step = from; step < to; step++) stepper.step(4, tinyBatch(4, step % 20), 0.001);
    return {
      tensors: nativeBackend(tf).getNumOfTFTensors() + tf.memory().numTensors,
      rss: process.memoryUsage.rss(),
    };
  };
  const before = countAfter(0, 500);
  const after = countAfter(500, 2500);
  stepper.dispose();
  assert.equal(after.tensors, before.tensors);
  assert.ok(after.rss - before.rss < 60e6, `${before.rss} -> ${after.rss} bytes`);
});

test('eager steps are float32 and not compiled', () => {
  const settings = { executor: 'eager', xla: undefined, precision: undefined } as const;
  const { stepper, xla } = createExecutor(tf, tinyProgram(), settings);
  const reference = createEagerStepper(tf, tinyProgram());
  assert.deepEqual([stepper.kind, xla], ['eager', false]);
  assert.equal(take(stepper, 1).loss, take(reference, 1).loss);
  [stepper, reference].forEach((one) => one.dispose());
});

/** Too fine for the 8 bits of bf16. */
const FINE = 2 ** -10;

function steppersOf(...hows: readonly [RecordingOptions, RecordingOptions]): [Stepper, Stepper] {
  const [first, second] = hows;
  return [
    createGraphStepper(tf, tinyProgram(), first),
    createGraphStepper(tf, tinyProgram(), second),
  ];
}

/** Every other step of a program that accumulates comes in two parts. */
function take(stepper: Stepper, step: number) {
  const bucket = step % 2 === 0 ? 4 : 8;
  if (step % 4 === 2) stepper.accumulate(bucket, tinyBatch(bucket, 100 + step));
  return stepper.step(bucket, tinyBatch(bucket, step), 0.01);
}
