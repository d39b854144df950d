import type { UpdateRule } from './optimizer.ts';
import type { Tensor1D } from './runtime.ts';
import type { RmsPropSettings } from './step-program.ts';

/** RMSProp (Hinton 2012) as in PyTorch, with L2 decay where `decayMask` is 1. */
export function rmsprop({ smoothing, epsilon, weightDecay }: RmsPropSettings): UpdateRule {
  return {
    slots: ['meanSquare'],
    scalars: (_step, learningRate) => ({ learningRate }),
    update(tf, { weights, slots }, gradient, { decayMask, scalar }) {
      const old = slots['meanSquare'];
      if (old === undefined) throw new Error('RMSProp without its mean square');
      const g = tf.add(gradient, tf.mul(tf.mul(decayMask, weightDecay), weights));
      const meanSquare = tf.add<Tensor1D>(old, tf.mul(tf.sub(tf.square(g), old), 1 - smoothing));
      const update = tf.div(g, tf.add(tf.sqrt(meanSquare), epsilon));
      const next = tf.sub<Tensor1D>(weights, tf.mul(scalar('learningRate'), update));
      return { weights: next, slots: { meanSquare } };
    },
  };
}
