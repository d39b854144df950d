import type { UpdateRule } from './optimizer.ts';
import type { Tensor1D } from './runtime.ts';
import type { AdamWSettings } from './step-program.ts';

/**
 * AdamW (Loshchilov and Hutter, 2019) as in PyTorch: decay is taken from the weights themselves and only
 * where `decayMask` is 1. What corrects the moments' bias is in step size and epsilon, as TensorFlow's own operation
 * takes them; the graph of a step has that in place of `update`.
 */
export function adamw({ beta1, beta2, epsilon, weightDecay }: AdamWSettings): UpdateRule {
  // As float32 has them: 1 - 0.999 is off by 1e-5 there, and the correction has to be that of the moment.
  const [first, second] = [Math.fround(beta1), Math.fround(beta2)];
  return {
    slots: ['firstMoment', 'secondMoment'],
    scalars(step, learningRate) {
      const root = Math.sqrt(1 - second ** step);
      return {
        rate: (learningRate * root) / (1 - first ** step),
        epsilon: epsilon * root,
        decay: learningRate * weightDecay,
      };
    },
    update(tf, { weights, slots }, gradient, { decayMask, scalar }) {
      const { firstMoment: m, secondMoment: v } = slots;
      if (m === undefined || v === undefined) throw new Error('AdamW without its moments');
      // m + (g - m)(1 - b) = b m + (1 - b) g with one multiplication less
      const firstMoment = tf.add<Tensor1D>(m, tf.mul(tf.sub(gradient, m), 1 - first));
      const secondMoment = tf.add<Tensor1D>(v, tf.mul(tf.sub(tf.square(gradient), v), 1 - second));
      const decayed = tf.mul(weights, tf.sub(1, tf.mul(decayMask, scalar('decay'))));
      const scale = tf.add(tf.sqrt(secondMoment), scalar('epsilon'));
      const step = tf.div(tf.mul(firstMoment, scalar('rate')), scale);
      return { weights: tf.sub<Tensor1D>(decayed, step), slots: { firstMoment, secondMoment } };
    },
  };
}
