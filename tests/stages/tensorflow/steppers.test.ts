import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type TestContext } from 'node:test';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { nativeBackend } from '#stages/tensorflow/runtime.ts';
import type { OptimizerState, Stepper, StepResult } from '#stages/tensorflow/step-program.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { tinyBatch, tinyProgram } from '#tests/support/tiny-program.ts';

const steppers = { graph: createGraphStepper, eager: createEagerStepper };
const kinds = ['graph', 'eager'] as const;

test('the graph takes the steps of the eager stepper: 50 steps, two buckets, dropout on', (t) => {
  const graph = stepper(t, 'graph');
  const eager = stepper(t, 'eager');
  for (let step = 0; step < 50; step++) {
    const [recorded, direct] = [train(graph, step), train(eager, step)];
    assertClose(recorded.loss, direct.loss, 1e-5, `loss of step ${step}`);
    assertClose(recorded.gradNorm, direct.gradNorm, 1e-5, `norm of step ${step}`);
    for (const name of ['softLoss', 'hardLoss']) {
      assertClose(recorded.parts[name] ?? Number.NaN, direct.parts[name] ?? 0, 1e-5, name);
    }
  }
  assertAllClose(graph.state().weights, eager.state().weights, 1e-4);
  assertAllClose(graph.evaluate(8, tinyBatch(8, 1)), eager.evaluate(8, tinyBatch(8, 1)), 1e-4);
  assert.deepEqual([graph.eagerSteps, eager.eagerSteps], [0, 50]);
});

for (const kind of kinds) {
  test(`${kind}: the loss falls on a batch that is seen again and again`, (t) => {
    const running = stepper(t, kind);
    const losses = Array.from({ length: 60 }, () => running.step(4, tinyBatch(4, 1), 0.03).loss);
    assert.ok((losses.at(-1) ?? 1) < 0.6 * (losses[0] ?? 0), `${losses[0]} -> ${losses.at(-1)}`);
  });

  test(`${kind}: another dropout seed gives another loss, the same seed the same`, (t) => {
    const [first, second, third] = [1, 1, 2].map((seed) => {
      const batch = { ...tinyBatch(4, 1), dropoutSeed: Int32Array.of(seed, 0) };
      return stepper(t, kind).step(4, batch, 0.01).loss;
    });
    assert.equal(first, second);
    assert.notEqual(first, third);
  });

  test(`${kind}: evaluating changes nothing`, (t) => {
    const running = stepper(t, kind);
    train(running, 0);
    const before = running.state();
    assert.deepEqual(running.evaluate(4, tinyBatch(4, 9)), running.evaluate(4, tinyBatch(4, 9)));
    assert.deepEqual(running.state(), before);
  });

  test(`${kind}: a state read out stays as it was`, (t) => {
    const running = stepper(t, kind);
    const before = running.state();
    const copy = structuredClone(before);
    train(running, 0);
    assert.deepEqual(before, copy);
    assert.notDeepEqual(running.state().weights, copy.weights);
  });

  test(`${kind}: training from a restored state continues bit by bit`, (t) => {
    const running = stepper(t, kind);
    for (let step = 0; step < 10; step++) train(running, step);
    const saved = running.state();
    const undisturbed = continued(running);
    const resumed = stepper(t, kind);
    resumed.restore(saved);
    assert.deepEqual(continued(resumed), undisturbed);
    // also over a stepper that went on in the meantime
    running.restore(saved);
    assert.deepEqual(continued(running), undisturbed);
  });

  test(`${kind}: what is given stays the caller's: changing it later changes nothing`, (t) => {
    const program = tinyProgram();
    const running = steppers[kind](tf, program);
    t.after(() => running.dispose());
    program.initialWeights.fill(Number.NaN);
    const state = running.state();
    running.restore(state);
    state.weights.fill(Number.NaN);
    for (const slot of Object.values(state.slots)) slot.fill(Number.NaN);
    assert.ok(running.state().weights.every(Number.isFinite));
    assert.ok(Number.isFinite(train(running, 0).loss));
  });

  test(`${kind}: the number of tensors stays the same over 100 steps`, (t) => {
    const running = stepper(t, kind);
    const countAfter = (first: number, last: number): number[] => {
      running.evaluate(4, tinyBatch(4, 0));
      running.restore(running.state());
      for (let step = first; step <= last; step++) train(running, step);
      return [tf.memory().numTensors, nativeBackend(tf).getNumOfTFTensors()];
    };
    const before = countAfter(0, 1);
    assert.deepEqual(countAfter(2, 101), before);
  });

  test(`${kind}: making and disposing leaves no tensor and no model behind`, () => {
    const counted = () => [
      tf.memory().numTensors,
      nativeBackend(tf).getNumOfTFTensors(),
      nativeBackend(tf).getNumOfSavedModels(),
    ];
    const before = counted();
    const running = steppers[kind](tf, tinyProgram());
    train(running, 0);
    running.dispose();
    running.dispose();
    assert.deepEqual(counted(), before);
  });

  test(`${kind}: a feed that is missing or does not fit is named`, (t) => {
    const running = stepper(t, kind);
    const { topIds: _, ...rest } = tinyBatch(4, 0);
    assert.throws(() => running.step(4, rest, 0.1), /no values for the feed "topIds"/);
    const short = { ...tinyBatch(4, 0), goldIds: new Int32Array(2) };
    assert.throws(() => running.step(4, short, 0.1), /"goldIds" has shape \[6\], but got 2 values/);
    const float = { ...tinyBatch(4, 0), goldIds: new Float32Array(6) };
    assert.throws(() => running.step(4, float, 0.1), /"goldIds" is int32, but got Float32Array/);
    assert.equal(running.state().step, 0);
  });

  test(`${kind}: a token id outside the vocabulary fails and takes no step`, (t) => {
    const running = stepper(t, kind);
    const before = running.state();
    const wrong = { ...tinyBatch(4, 0), inputIds: new Int32Array(24).fill(99) };
    assert.throws(() => running.step(4, wrong, 0.1), /99/);
    assert.deepEqual(running.state(), before);
  });

  test(`${kind}: a bucket that the program does not have is refused`, (t) => {
    assert.throws(() => stepper(t, kind).step(5, tinyBatch(5, 0), 0.1), /no bucket 5, only 4, 8/);
  });
}

test('recording leaves nothing in the temporary folder', () => {
  const ours = () => readdirSync(tmpdir()).filter((name) => name.startsWith('decant-step-'));
  const before = ours();
  createGraphStepper(tf, tinyProgram()).dispose();
  assert.deepEqual(
    ours().filter((name) => !before.includes(name)),
    [],
  );
});

function stepper(t: TestContext, kind: 'graph' | 'eager'): Stepper {
  const made = steppers[kind](tf, tinyProgram());
  t.after(() => made.dispose());
  return made;
}

// Alternates between the buckets, so that they have to share weights and moments.
function train(running: Stepper, step: number): StepResult {
  const bucket = step % 2 === 0 ? 4 : 8;
  return running.step(bucket, tinyBatch(bucket, step), 0.01 / (1 + step / 10));
}

function continued(running: Stepper): OptimizerState {
  for (let step = 10; step < 20; step++) train(running, step);
  return running.state();
}
