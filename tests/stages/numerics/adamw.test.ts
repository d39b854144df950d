import test from 'node:test';
import { type AdamW, adamwUpdate, clipByNorm } from '#stages/numerics/adamw.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import {
  type ReferenceClip,
  type ReferenceOptimizer,
  referenceCases,
} from '#tests/support/kd-reference.ts';

const options = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

function start(weights: readonly number[]): AdamW {
  const zeros = new Float64Array(weights.length);
  return { weights: Float64Array.from(weights), firstMoment: zeros, secondMoment: zeros, step: 0 };
}

test("without decay it is PyTorch's Adam", () => {
  const cases = referenceCases<ReferenceOptimizer>('optim_adam_l2');
  for (const { inputs, trace } of cases) {
    let state = start(inputs.p0);
    for (const [step, gradient] of inputs.grads.entries()) {
      // The reference adds L2 regularisation of 0.1 to the gradient.
      const regularised = gradient.map((g, i) => g + 0.1 * (state.weights[i] ?? Number.NaN));
      state = adamwUpdate(state, regularised, { ...options, weightDecay: 0, decayMask: [] });
      assertAllClose(state.weights, trace[step] ?? [], 1e-12);
    }
  }
});

test('decay shrinks the masked weights by learningRate * weightDecay and does not enter the moments', () => {
  const decayed = { ...options, weightDecay: 0.1, decayMask: [1, 0] };
  const { weights, firstMoment } = adamwUpdate(start([2, 2]), [0, 0], decayed);
  assertAllClose(weights, [2 * (1 - 0.01 * 0.1), 2], 1e-15);
  assertAllClose(firstMoment, [0, 0], 0);
});

test("clipping is PyTorch's", () => {
  for (const { inputs, total_norm, clipped } of referenceCases<ReferenceClip>('clip_grad_norm')) {
    const result = clipByNorm(inputs.grads.flat(5) as number[], 1);
    assertClose(result.norm, total_norm, 1e-12);
    assertAllClose(result.clipped, clipped.flat(5) as number[], 1e-12);
  }
});

test('a small gradient is not clipped', () => {
  assertAllClose(clipByNorm([0.3, 0.4], 1).clipped, [0.3, 0.4], 0);
});
