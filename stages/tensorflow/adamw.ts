import type { UpdateRule } from './optimizer.ts';
import type { Tensor1D } from './runtime.ts';
import type { AdamWSettings } from './step-program.ts';

/**
 * AdamW (Loshchilov and Hutter, 2019) as in PyTorch: decay is taken from the weights themselves and only
 * where `decayMask` is 1.
 */
export function adamw({ beta1, beta2, epsilon, weightDecay }: AdamWSettings): UpdateRule {
  return {
    slots: ['firstMoment', 'secondMoment'],
    scalars: (step, learningRate) => ({
      learningRate,
      firstCorrection: 1 / (1 - beta1 ** step),
      secondCorrection: 1 / (1 - beta2 ** step),
    }),
    update(tf, { weights, slots }, gradient, { decayMask, scalar }) {
      const { firstMoment: m, secondMoment: v } = slots;
      if (m === undefined || v === undefined) throw new Error('AdamW without its moments');
      // m + (g - m)(1 - b) = b m + (1 - b) g with one multiplication less
      const firstMoment = tf.add<Tensor1D>(m, tf.mul(tf.sub(gradient, m), 1 - beta1));
      const secondMoment = tf.add<Tensor1D>(v, tf.mul(tf.sub(tf.square(gradient), v), 1 - beta2));
      const scale = tf.add(tf.sqrt(tf.mul(secondMoment, scalar('secondCorrection'))), epsilon);
      const update = tf.div(tf.mul(firstMoment, scalar('firstCorrection')), scale);
      const decay = tf.mul(tf.mul(decayMask, weightDecay), weights);
      const step = tf.mul(scalar('learningRate'), tf.add(update, decay));
      return { weights: tf.sub<Tensor1D>(weights, step), slots: { firstMoment, secondMoment } };
    },
  };
}
