import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';

/** x W^T + b, with W as Hugging Face stores it: [out, in]. */
export function linear(tf: Tensorflow, x: Tensor, weight: Tensor, bias?: Tensor): Tensor2D {
  const product = tf.matMul(x, weight, false, true);
  return (bias === undefined ? product : tf.add(product, bias)) as Tensor2D;
}

/** x W + b, with W as GPT-2 stores it: [in, out]. */
export function product(tf: Tensorflow, x: Tensor, weight: Tensor, bias: Tensor): Tensor2D {
  return tf.add(tf.matMul(x, weight), bias) as Tensor2D;
}

/** Rows of the asked tokens among those of all [batch * sequence, width]. */
export function askedRows(tf: Tensorflow, x: Tensor, answerAt: Tensor | undefined): Tensor {
  return answerAt === undefined ? x : tf.gather(x, answerAt);
}

/** Rows of the table; flat ids, because then the gradient is a single segment sum. */
export function embed(tf: Tensorflow, table: Tensor, flatIds: Tensor): Tensor2D {
  return tf.gather(table, flatIds) as Tensor2D; // [ids, width]
}

/** x Phi(x), with the exact normal distribution and not the tanh approximation. */
export function gelu(tf: Tensorflow, x: Tensor): Tensor {
  const operation = tf.customGrad((input, save) => {
    const value = input as Tensor;
    const cdf = tf.mul(tf.add(tf.erf(tf.mul(value, Math.SQRT1_2)), 1), 0.5);
    (save as SaveForGradient)([value, cdf]);
    return {
      value: tf.mul(value, cdf),
      // d/dx = Phi(x) + x phi(x); tfjs would record six operations and keep all their results.
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [input, cdf] = saved as [Tensor, Tensor];
        const density = tf.mul(tf.exp(tf.mul(tf.square(input), -0.5)), INVERSE_SQRT_2PI);
        return tf.mul(dy, tf.add(cdf, tf.mul(input, density)));
      },
    };
  });
  return operation(x);
}

/** 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), the form that GPT-2 was trained with. */
export function tanhGelu(tf: Tensorflow, x: Tensor): Tensor {
  const operation = tf.customGrad((input, save) => {
    const value = input as Tensor;
    const square = tf.square(value);
    const inner = tf.mul(value, tf.add(tf.mul(square, TANH_SCALE * TANH_CUBE), TANH_SCALE));
    const tanh = tf.tanh(inner);
    const half = tf.mul(tf.add(tanh, 1), 0.5);
    (save as SaveForGradient)([value, square, tanh, half]);
    return {
      value: tf.mul(value, half),
      // d/dx = (1 + t) / 2 + x (1 - t^2) / 2 sqrt(2 / pi) (1 + 3 x 0.044715 x^2)
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [value, square, tanh, half] = saved as [Tensor, Tensor, Tensor, Tensor];
        const slope = tf.add(tf.mul(square, 1.5 * TANH_SCALE * TANH_CUBE), 0.5 * TANH_SCALE);
        const bend = tf.mul(tf.sub(1, tf.square(tanh)), tf.mul(value, slope));
        return tf.mul(dy, tf.add(half, bend));
      },
    };
  });
  return operation(x);
}

/**
 * Normalises each row to mean 0 and variance 1 and scales by the gain. The gradient is the closed form
 * of Ba et al. 2016: half the kernels of the recorded one.
 */
export function layerNorm(
  tf: Tensorflow,
  x: Tensor,
  options: { readonly gain: Tensor; readonly bias?: Tensor; readonly epsilon: number },
): Tensor2D {
  const operation = tf.customGrad((input, weight, save) => {
    const [rows, gain] = [input as Tensor, weight as Tensor];
    const centred = tf.sub(rows, tf.mean(rows, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    const inverseDeviation = tf.rsqrt(tf.add(variance, options.epsilon)); // [rows, 1]
    const normalised = tf.mul(centred, inverseDeviation);
    (save as SaveForGradient)([normalised, inverseDeviation, gain]);
    return {
      value: tf.mul(normalised, gain),
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        layerNormGradient(tf, dy, saved as [Tensor, Tensor, Tensor]),
    };
  });
  const scaled = operation(x, options.gain);
  return (options.bias === undefined ? scaled : tf.add(scaled, options.bias)) as Tensor2D;
}

/** Mean over the real tokens of each row: one batched product with 1/length or 0. */
export function meanOverTokens(
  tf: Tensorflow,
  x: Tensor,
  batch: { readonly lengths: Tensor; readonly batchSize: number; readonly sequenceLength: number },
): Tensor2D {
  const { batchSize, sequenceLength } = batch;
  const width = x.size / (batchSize * sequenceLength);
  // A filler row of length 0 must give numbers, not NaN that its weight of 0 would not silence.
  const counts = tf.maximum(tf.cast(batch.lengths, 'float32'), 1);
  const shares = tf.div(realTokens(tf, batch), tf.reshape(counts, [batchSize, 1]));
  const mean = tf.matMul(
    tf.reshape(shares, [batchSize, 1, sequenceLength]),
    tf.reshape(x, [batchSize, sequenceLength, width]),
  );
  return tf.reshape(mean, [batchSize, width]);
}

/** 1 for real tokens, 0 for padding. */
export function realTokens(
  tf: Tensorflow,
  batch: { readonly lengths: Tensor; readonly batchSize: number; readonly sequenceLength: number },
): Tensor2D {
  const positions = Int32Array.from({ length: batch.sequenceLength }, (_, position) => position);
  const inside = tf.less(
    tf.tensor2d(positions, [1, batch.sequenceLength], 'int32'),
    tf.reshape(batch.lengths, [batch.batchSize, 1]),
  );
  return tf.cast(inside, 'float32') as Tensor2D; // [batchSize, sequenceLength]
}

function layerNormGradient(
  tf: Tensorflow,
  dy: Tensor,
  [normalised, inverseDeviation, gain]: readonly [Tensor, Tensor, Tensor],
): [Tensor, Tensor] {
  const scaled = tf.mul(dy, gain);
  const mean = tf.mean(scaled, -1, true);
  const projection = tf.mean(tf.mul(scaled, normalised), -1, true);
  const inner = tf.sub(tf.sub(scaled, mean), tf.mul(normalised, projection));
  return [tf.mul(inner, inverseDeviation), tf.sum(tf.mul(dy, normalised), 0)];
}

/** Last argument of a function under customGrad; tfjs types it as one of the tensors. */
export type SaveForGradient = (tensors: Tensor[]) => void;

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBE = 0.044715;
const INVERSE_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);
