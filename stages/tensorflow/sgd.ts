import type { UpdateRule } from './optimizer.ts';
import type { Tensor1D } from './runtime.ts';
import type { SgdSettings } from './step-program.ts';

/**
 * Stochastic gradient descent with momentum as in PyTorch: decay is L2, added to the gradient where
 * `decayMask` is 1; Nesterov's form looks ahead by the momentum (Sutskever et al. 2013).
 */
export function sgd({ momentum, nesterov, weightDecay }: SgdSettings): UpdateRule {
  return {
    slots: momentum > 0 ? ['velocity'] : [],
    scalars: (_step, learningRate) => ({ learningRate }),
    update(tf, { weights, slots }, gradient, { decayMask, scalar }) {
      const descended = (direction: Tensor1D) =>
        tf.sub<Tensor1D>(weights, tf.mul(scalar('learningRate'), direction));
      const decayed =
        weightDecay === 0
          ? gradient
          : tf.add<Tensor1D>(gradient, tf.mul(tf.mul(decayMask, weightDecay), weights));
      if (slots['velocity'] === undefined) return { weights: descended(decayed), slots: {} };
      const velocity = tf.add<Tensor1D>(tf.mul(slots['velocity'], momentum), decayed);
      const ahead = nesterov ? tf.add<Tensor1D>(decayed, tf.mul(velocity, momentum)) : velocity;
      return { weights: descended(ahead), slots: { velocity } };
    },
  };
}
