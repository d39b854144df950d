import test from 'node:test';
import { type AdamW, adamwUpdate, clipByNorm } from '#stages/numerics/adamw.ts';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { optimizerScalars, optimizerStep } from '#stages/tensorflow/optimizer.ts';
import type { Scalar, Tensor1D } from '#stages/tensorflow/runtime.ts';
import type { AdamWSettings } from '#stages/tensorflow/step-program.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import {
  type ReferenceClip,
  type ReferenceOptimizer,
  referenceCases,
} from '#tests/support/kd-reference.ts';
import { tf } from '#tests/support/tensorflow.ts';

const settings: AdamWSettings = {
  kind: 'adamw',
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
};
const unclipped = { ...settings, maxGradNorm: Number.POSITIVE_INFINITY };

test('property: ten steps are those of the float64 oracle, clipped or not', () => {
  const random = randomFor(1, 'adamw');
  const vector = (size: number, scale: number): number[] =>
    Array.from({ length: size }, () => scale * normal(random));
  const mask = [1, 0, 1, 1, 0, 0, 1];
  for (const scale of [0.01, 1, 30]) {
    let oracle = start(vector(7, 1));
    let state = oracle;
    for (let step = 1; step <= 10; step++) {
      const gradient = vector(7, scale);
      const learningRate = 0.02 / step;
      const { norm, clipped } = clipByNorm(gradient, settings.maxGradNorm);
      oracle = adamwUpdate(oracle, clipped, { ...settings, learningRate, decayMask: mask });
      const result = update(state, gradient, mask, learningRate, settings);
      state = result.state;
      assertClose(result.gradNorm, norm, 1e-5, `norm at scale ${scale}`);
      assertAllClose(state.weights, oracle.weights, 1e-5, `weight at scale ${scale}`);
      assertAllClose(
        state.secondMoment,
        oracle.secondMoment,
        1e-5,
        `second moment at scale ${scale}`,
      );
    }
  }
});

test("without decay and clipping it is PyTorch's Adam", () => {
  for (const { inputs, trace } of referenceCases<ReferenceOptimizer>('optim_adam_l2')) {
    let state = start(inputs.p0);
    const mask = inputs.p0.map(() => 0);
    for (const [step, gradient] of inputs.grads.entries()) {
      // The reference adds L2 regularisation of 0.1 to the gradient.
      const regularised = gradient.map((g, i) => g + 0.1 * (state.weights[i] ?? Number.NaN));
      state = update(state, regularised, mask, 0.01, unclipped).state;
      assertAllClose(state.weights, trace[step] ?? [], 1e-5);
    }
  }
});

test("clipping is PyTorch's, and the norm is the one before it", () => {
  for (const { inputs, total_norm, clipped } of referenceCases<ReferenceClip>('clip_grad_norm')) {
    const gradient = inputs.grads.flat(5) as number[];
    const mask = gradient.map(() => 0);
    const { state, gradNorm } = update(start(gradient), gradient, mask, 0.1, settings);
    assertClose(gradNorm, total_norm, 1e-6);
    // After one step the first moment is a tenth of the clipped gradient.
    assertAllClose(
      state.firstMoment.map((m) => m / 0.1),
      clipped.flat(5) as number[],
      1e-5,
    );
  }
});

test("the graph's own operation takes ten steps of the float64 oracle, late ones too", (t) => {
  const random = randomFor(2, 'adamw');
  const initialWeights = Float32Array.from({ length: 7 }, () => normal(random));
  const decayMask = Float32Array.of(1, 0, 1, 1, 0, 0, 1);
  const graph = createGraphStepper(tf, {
    initialWeights,
    decayMask,
    buckets: [1],
    feeds: () => [{ name: 'gradient', dtype: 'float32', shape: [7] }],
    loss: (_, weights, { gradient }) => ({
      loss: weights.mul(gradient ?? weights).sum<Scalar>(),
      parts: {},
    }),
    evaluationFeeds: () => [],
    evaluate: (_, weights) => weights,
    optimizer: settings,
  });
  t.after(() => graph.dispose());
  for (const from of [0, 5000]) {
    let oracle = { ...start([...initialWeights]), step: from };
    graph.restore({ ...graph.state(), weights: initialWeights, slots: zeroSlots(7), step: from });
    for (let step = 1; step <= 10; step++) {
      const gradient = Float32Array.from({ length: 7 }, () => normal(random));
      const { clipped } = clipByNorm([...gradient], settings.maxGradNorm);
      oracle = adamwUpdate(oracle, clipped, { ...settings, learningRate: 0.01, decayMask });
      graph.step(1, { gradient }, 0.01);
      const { weights, slots } = graph.state();
      assertAllClose(weights, oracle.weights, 1e-5, `weight after step ${from + step}`);
      assertAllClose(slots['firstMoment'] ?? [], oracle.firstMoment, 1e-5);
    }
  }
});

test('in the graph too, the decay is decoupled and follows the mask', (t) => {
  const graph = createGraphStepper(tf, {
    initialWeights: Float32Array.of(2, 2),
    decayMask: Float32Array.of(1, 0),
    buckets: [1],
    feeds: () => [],
    loss: (_, weights) => ({ loss: weights.mul(0).sum<Scalar>(), parts: {} }),
    evaluationFeeds: () => [],
    evaluate: (_, weights) => weights,
    optimizer: settings,
  });
  t.after(() => graph.dispose());
  graph.step(1, {}, 0.01);
  assertAllClose(graph.state().weights, [2 * (1 - 0.01 * 0.1), 2], 1e-7);
  assertAllClose(graph.state().slots['firstMoment'] ?? [], [0, 0], 0);
});

function start(weights: readonly number[]): AdamW {
  const zeros = new Float64Array(weights.length);
  return { weights: Float64Array.from(weights), firstMoment: zeros, secondMoment: zeros, step: 0 };
}

function zeroSlots(size: number) {
  return { firstMoment: new Float32Array(size), secondMoment: new Float32Array(size) };
}

function update(
  state: AdamW,
  gradient: readonly number[],
  mask: readonly number[],
  learningRate: number,
  options: AdamWSettings,
): { readonly state: AdamW; readonly gradNorm: number } {
  const step = state.step + 1;
  tf.engine().startScope();
  try {
    const vector = (values: ArrayLike<number>): Tensor1D => tf.tensor1d(Float32Array.from(values));
    const fed = optimizerScalars(step, learningRate, options);
    const slots = {
      firstMoment: vector(state.firstMoment),
      secondMoment: vector(state.secondMoment),
    };
    const given = {
      decayMask: vector(mask),
      scalar: (name: string) => tf.scalar(fed[name] ?? NaN),
    };
    const before = { weights: vector(state.weights), slots };
    const next = optimizerStep(tf, before, vector(gradient), given, options);
    const read = (tensor: Tensor1D | undefined): Float64Array =>
      Float64Array.from(tensor?.dataSync() ?? []);
    return {
      state: {
        weights: read(next.weights),
        firstMoment: read(next.slots['firstMoment']),
        secondMoment: read(next.slots['secondMoment']),
        step,
      },
      gradNorm: next.gradNorm.dataSync()[0] ?? Number.NaN,
    };
  } finally {
    tf.engine().endScope();
  }
}
