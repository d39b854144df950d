import type { Tensorflow } from '#stages/tensorflow/runtime.ts';

/** Floating-point operations a second of a large matrix product: the most that this machine reached in some tries. */
export function peakFlops(tf: Tensorflow): number {
  const [a, b] = [tf.randomNormal([SIZE, SIZE]), tf.randomNormal([SIZE, SIZE])];
  let best = 0;
  for (let attempt = 0; attempt < 12; attempt++) {
    const start = performance.now();
    const product = tf.matMul(a, b);
    product.slice([0, 0], [1, 1]).dataSync();
    best = Math.max(best, (2 * SIZE ** 3) / ((performance.now() - start) / 1000));
    product.dispose();
  }
  tf.dispose([a, b]);
  return best;
}

const SIZE = 1024;
