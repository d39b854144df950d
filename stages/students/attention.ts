import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { Dropout } from './dropout.ts';
import { realTokens, type SaveForGradient } from './operations.ts';

/** Rows [batch * length, hidden] as one matrix per head: [batch, heads, length, headSize]. */
export function splitHeads(
  tf: Tensorflow,
  x: Tensor,
  sizes: { readonly batchSize: number; readonly length: number; readonly heads: number },
): Tensor {
  const { batchSize, length, heads } = sizes;
  const headSize = x.size / (batchSize * length * heads);
  return tf.transpose(tf.reshape(x, [batchSize, length, heads, headSize]), [0, 2, 1, 3]);
}

/** Added to the scores [batch, heads, queries, keys]: 0 for real tokens, far below every score for padding. */
export function paddingMask(
  tf: Tensorflow,
  batch: { readonly lengths: Tensor; readonly batchSize: number; readonly sequenceLength: number },
): Tensor {
  const mask = tf.mul(tf.sub(1, realTokens(tf, batch)), PADDING_SCORE);
  return tf.reshape(mask, [batch.batchSize, 1, 1, batch.sequenceLength]);
}

/**
 * softmax(q k^T + mask) v, heads side by side again: [batch * queries, hidden]. Whoever calls has
 * scaled the scores by 1 / sqrt(headSize), through `scale` or in the queries.
 */
export function attend(
  tf: Tensorflow,
  heads: { readonly query: Tensor; readonly key: Tensor; readonly value: Tensor },
  options: { readonly mask: Tensor; readonly scale?: number; readonly dropout: Dropout },
): Tensor2D {
  const products = tf.matMul(heads.query, heads.key, false, true);
  const scores = options.scale === undefined ? products : tf.mul(products, options.scale);
  const shares = options.dropout(tf.softmax(tf.add(scores, options.mask)));
  const context = tf.matMul(shares, heads.value); // [batch, heads, queries, headSize]
  const [batchSize, headCount, queries, headSize] = context.shape as [
    number,
    number,
    number,
    number,
  ];
  return tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [
    batchSize * queries,
    headCount * headSize,
  ]);
}

/** Turns each pair of dimensions by an angle that grows with the position (Su et al. 2021). */
export interface Rotation {
  /** [2, 1, 1, length, headSize]: for queries and for keys. */
  readonly cos: Tensor;
  /** The same, negative in the first half of each head. */
  readonly sin: Tensor;
}

/** Rotation of queries (index 0) and keys (index 1); the queries' part also holds 1 / sqrt(headSize). */
export function rotationOf(
  tf: Tensorflow,
  sizes: { readonly length: number; readonly headSize: number; readonly theta: number },
): Rotation {
  const { length, headSize } = sizes;
  const frequencies = rotaryFrequencies(headSize, sizes.theta);
  const cos = new Float32Array(2 * length * headSize);
  const sin = new Float32Array(2 * length * headSize);
  for (let i = 0; i < cos.length; i++) {
    const dimension = i % headSize;
    const position = Math.floor(i / headSize) % length;
    const scale = i < length * headSize ? 1 / Math.sqrt(headSize) : 1;
    const angle = position * (frequencies[dimension % (headSize / 2)] as number);
    cos[i] = scale * Math.cos(angle);
    sin[i] = (dimension < headSize / 2 ? -scale : scale) * Math.sin(angle);
  }
  const shape = [2, 1, 1, length, headSize];
  return { cos: tf.tensor(cos, shape), sin: tf.tensor(sin, shape) };
}

/** theta^(-2i / headSize) for each pair of dimensions. */
export function rotaryFrequencies(headSize: number, theta: number): Float32Array {
  return Float32Array.from(
    { length: headSize / 2 },
    (_, pair) => theta ** ((-2 * pair) / headSize),
  );
}

/** Queries and keys [2, batch, heads, length, headSize] turned; the gradient is turned back. */
export function rotate(tf: Tensorflow, queriesAndKeys: Tensor, { cos, sin }: Rotation): Tensor {
  const turn = (x: Tensor, cos: Tensor, sin: Tensor) =>
    tf.add(tf.mul(x, cos), tf.mul(swapHalves(tf, x), sin));
  const operation = tf.customGrad((x, save) => {
    // Saved, not captured: tfjs disposes what only the forward pass made before it goes backward.
    (save as SaveForGradient)([cos, sin]);
    return {
      value: turn(x as Tensor, cos, sin),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [cos, sin] = saved as [Tensor, Tensor];
        return turn(dy, cos, tf.neg(sin));
      },
    };
  });
  return operation(queriesAndKeys);
}

function swapHalves(tf: Tensorflow, x: Tensor): Tensor {
  const [first, second] = tf.split(x, 2, -1) as [Tensor, Tensor];
  return tf.concat([second, first], -1);
}

/** exp of it is 0 in float32, and it stays finite when a row has no real token at all. */
const PADDING_SCORE = -1e9;
