import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Scalar } from '#stages/tensorflow/runtime.ts';
import type {
  Feeds,
  OptimizerSettings,
  OptimizerState,
  StepProgram,
  Stepper,
} from '#stages/tensorflow/step-program.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { type ReferenceOptimizer, referenceCases } from '#tests/support/kd-reference.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { tinyBatch, tinyProgram } from '#tests/support/tiny-program.ts';

const unclipped = { maxGradNorm: Number.POSITIVE_INFINITY };
const adamw = {
  kind: 'adamw',
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
} as const;
const sgd = {
  kind: 'sgd',
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
  ...unclipped,
} as const;
const rmsprop = {
  kind: 'rmsprop',
  smoothing: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
  ...unclipped,
} as const;

const steppers = { graph: createGraphStepper, eager: createEagerStepper };
const kinds = ['graph', 'eager'] as const;

for (const kind of kinds) {
  for (const [name, optimizer, learningRate] of [
    ['optim_sgd_momentum_nesterov', sgd, 0.05],
    ['optim_rmsprop', rmsprop, 0.01],
  ] as const) {
    test(`${kind}: ${optimizer.kind} is PyTorch's`, () => {
      for (const { inputs, trace } of referenceCases<ReferenceOptimizer>(name)) {
        const stepper = steppers[kind](tf, fedGradients(inputs.p0, optimizer));
        for (const [step, gradient] of inputs.grads.entries()) {
          stepper.step(1, { gradient: Float32Array.from(gradient) }, learningRate);
          assertAllClose(stepper.state().weights, trace[step] ?? [], 1e-5, `after step ${step}`);
        }
        stepper.dispose();
      }
    });
  }

  test(`${kind}: without momentum there is no velocity, and the decay follows the mask`, () => {
    const plain = { ...sgd, momentum: 0, nesterov: false, weightDecay: 0.1 };
    const program = { ...fedGradients([2, 2], plain), decayMask: Float32Array.of(1, 0) };
    const stepper = steppers[kind](tf, program);
    stepper.step(1, { gradient: Float32Array.of(1, 1) }, 0.5);
    const { weights, slots } = stepper.state();
    stepper.dispose();
    assertAllClose(weights, [2 - 0.5 * 1.2, 2 - 0.5], 1e-6);
    assert.deepEqual(slots, {});
  });

  test(`${kind}: the average of the weights follows them and answers`, () => {
    const program = fedGradients([1], { ...sgd, momentum: 0, weightDecay: 0, averageDecay: 0.9 });
    const stepper = steppers[kind](tf, program);
    let [weight, average] = [1, 1];
    for (let step = 1; step <= 30; step++) {
      stepper.step(1, { gradient: Float32Array.of(-1) }, 0.1);
      weight += 0.1;
      // Exponential, and quicker in the first steps so that the random start is forgotten.
      const keep = Math.min(0.9, (1 + step) / (10 + step));
      average = keep * average + (1 - keep) * weight;
      assertAllClose(stepper.state().weights, [weight], 1e-5);
      assertAllClose(stepper.evaluate(1, {}), [average], 1e-5, `average after step ${step}`);
    }
    assertAllClose(stepper.state().slots['average'] ?? [], [average], 1e-5);
    stepper.dispose();
  });

  for (const optimizer of [sgd, rmsprop, { ...adamw, averageDecay: 0.99 }]) {
    test(`${kind}: ${optimizer.kind} in parts goes on from a restored state bit by bit`, () => {
      const program = tinyProgram({ optimizer, accumulates: true });
      const running = steppers[kind](tf, program);
      train(running, 0, 6);
      const saved = running.state();
      const resumed = steppers[kind](tf, program);
      resumed.restore(saved);
      // A part that was under way belongs to a step that never came.
      running.accumulate(4, tinyBatch(4, 77));
      running.restore(saved);
      assert.deepEqual(train(resumed, 6, 12), train(running, 6, 12));
      [running, resumed].forEach((stepper) => stepper.dispose());
    });
  }
}

for (const optimizer of [sgd, rmsprop, { ...adamw, averageDecay: 0.99 }]) {
  test(`${optimizer.kind}: the graph takes the steps of the eager stepper, in parts, dropout on`, () => {
    const program = tinyProgram({ optimizer, accumulates: true });
    const [graph, eager] = [createGraphStepper(tf, program), createEagerStepper(tf, program)];
    const [recorded, direct] = [train(graph, 0, 20), train(eager, 0, 20)];
    assertAllClose(recorded.weights, direct.weights, 1e-4);
    for (const [name, slot] of Object.entries(direct.slots)) {
      assertAllClose(recorded.slots[name] ?? [], slot, 1e-4, name);
    }
    assertAllClose(graph.evaluate(4, tinyBatch(4, 1)), eager.evaluate(4, tinyBatch(4, 1)), 1e-4);
    [graph, eager].forEach((stepper) => stepper.dispose());
  });
}

test('a step in parts has the gradient of all of them, and its norm is that of the sum', () => {
  const program = {
    ...fedGradients([0, 0], { ...sgd, momentum: 0, weightDecay: 0 }),
    accumulates: true,
  };
  for (const kind of kinds) {
    const stepper = steppers[kind](tf, program);
    stepper.accumulate(1, { gradient: Float32Array.of(1, 0) });
    stepper.accumulate(1, { gradient: Float32Array.of(1, 1) });
    const { gradNorm } = stepper.step(1, { gradient: Float32Array.of(1, 3) }, 1);
    assertClose(gradNorm, 5, 1e-6);
    assertAllClose(stepper.state().weights, [-3, -4], 1e-6);
    stepper.step(1, { gradient: Float32Array.of(1, 1) }, 1);
    assertAllClose(stepper.state().weights, [-4, -5], 1e-6, 'the next step starts from nothing');
    stepper.dispose();
  }
});

test('parts of a batch are refused by a program that was not made for them', () => {
  for (const kind of kinds) {
    const stepper = steppers[kind](tf, tinyProgram());
    assert.throws(() => stepper.accumulate(4, tinyBatch(4, 1)), /no batches in parts/);
    stepper.dispose();
  }
});

/** A program whose gradient is what is fed. */
function fedGradients(weights: readonly number[], optimizer: OptimizerSettings): StepProgram {
  const spec = { name: 'gradient', dtype: 'float32', shape: [weights.length] } as const;
  return {
    initialWeights: Float32Array.from(weights),
    decayMask: new Float32Array(weights.length).fill(1),
    buckets: [1],
    feeds: () => [spec],
    loss: (_, vector, { gradient }) => ({
      loss: vector.mul(gradient ?? NaN).sum<Scalar>(),
      parts: {},
    }),
    evaluationFeeds: () => [],
    evaluate: (_, vector) => vector.mul(1),
    optimizer,
  };
}

/** Every other step comes in two parts. */
function train(stepper: Stepper, from: number, to: number): OptimizerState {
  for (let step = from; step < to; step++) {
    const batch = (index: number): Feeds => tinyBatch(4, index);
    if (step % 2 === 0) stepper.accumulate(4, batch(100 + step));
    stepper.step(4, batch(step), 0.01);
  }
  return stepper.state();
}
