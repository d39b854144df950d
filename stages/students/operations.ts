import { euclideanNorm } from '#stages/tensorflow/euclidean-norm.ts';
import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { onceABatch } from './halves.ts';
import type { ForwardInputs } from './student.ts';

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

/** Rows of the table, [ids, width]; flat ids, because then the gradient is a single segment sum. */
export function embed(
  tf: Tensorflow,
  table: Tensor,
  { inputIds, half }: Pick<ForwardInputs, 'inputIds' | 'half'>,
): Tensor2D {
  if (half === undefined) return tf.gather(table, inputIds) as Tensor2D;
  const { batch, index } = half;
  const words = onceABatch(half, 'words', () => tf.split(tf.gather(table, batch.inputIds), 2, 0));
  return words[index] as Tensor2D;
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

/**
 * GeGLU (Shazeer 2020): gelu(x) y, given x and y divided by sqrt(2), since gelu(x) y = z (1 + erf(z)) (y / sqrt(2))
 * with z = x / sqrt(2). Weights are divided with less work than what they multiply.
 */
export function geglu(tf: Tensorflow, input: Tensor, gate: Tensor): Tensor2D {
  const operation = tf.customGrad((...given) => {
    const [z, y, save] = given as [Tensor, Tensor, SaveForGradient];
    const share = tf.add(tf.erf(z), 1);
    const activated = tf.mul(z, share);
    save([z, y, share, activated]);
    return {
      value: tf.mul(activated, y),
      // d/dz = 1 + erf(z) + z 2 / sqrt(pi) exp(-z^2)
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [z, y, share, activated] = saved as [Tensor, Tensor, Tensor, Tensor];
        const density = tf.exp(tf.sub(LOG_ERF_SLOPE, tf.square(z)));
        const slope = tf.add(tf.mul(density, z), share);
        return [tf.mul(tf.mul(dy, y), slope), tf.mul(dy, activated)];
      },
    };
  });
  return operation(input, gate) as Tensor2D;
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

/** Each row with mean 0 and variance 1, scaled by the gain. */
export function layerNorm(
  tf: Tensorflow,
  x: Tensor,
  options: { readonly gain: Tensor; readonly bias?: Tensor; readonly epsilon: number },
): Tensor2D {
  const scaled = tf.mul(normalise(tf, x, options.epsilon), options.gain);
  return (options.bias === undefined ? scaled : tf.add(scaled, options.bias)) as Tensor2D;
}

/** Each row with mean 0 and variance 1. What multiplies next may take the gain: that of its weights is a smaller product. */
export function normalise(tf: Tensorflow, x: Tensor, epsilon: number): Tensor2D {
  return normaliseCentred(tf, centre(tf, x, -1), epsilon);
}

/** x less its mean over an axis; so is the gradient, in half the kernels of the recorded one. */
export function centre(tf: Tensorflow, x: Tensor, axis: number): Tensor {
  const lessMean = (rows: Tensor): Tensor => tf.sub(rows, tf.mean(rows, axis, true));
  const operation = tf.customGrad((rows) => ({
    value: lessMean(rows as Tensor),
    gradFunc: lessMean,
  }));
  return operation(x);
}

/** Rows of mean 0 with variance 1. Beside `centre` its gradient is the closed form of Ba et al. 2016. */
export function normaliseCentred(tf: Tensorflow, x: Tensor, epsilon: number): Tensor2D {
  const operation = tf.customGrad((input, save) => {
    const centred = input as Tensor;
    const width = centred.shape.at(-1) ?? 0;
    const variance = tf.div(tf.square(euclideanNorm(tf, centred)), width);
    const inverseDeviation = tf.rsqrt(tf.add(variance, epsilon)); // [rows, 1]
    const normalised = tf.mul(centred, inverseDeviation);
    (save as SaveForGradient)([normalised, inverseDeviation]);
    return {
      value: normalised,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [normalised, inverseDeviation] = saved as [Tensor, Tensor];
        const projection = tf.mean(tf.mul(dy, normalised), -1, true);
        return tf.mul(tf.sub(dy, tf.mul(normalised, projection)), inverseDeviation);
      },
    };
  });
  return operation(x) as Tensor2D;
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

/** Last argument of a function under customGrad; tfjs types it as one of the tensors. */
export type SaveForGradient = (tensors: Tensor[]) => void;

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBE = 0.044715;
/** Of erf at 0: log(2 / sqrt(pi)). */
const LOG_ERF_SLOPE = Math.log(2 / Math.sqrt(Math.PI));
const INVERSE_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);
