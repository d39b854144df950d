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
