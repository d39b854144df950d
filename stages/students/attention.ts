import {
  nativeBackend,
  type Tensor,
  type Tensor2D,
  type Tensorflow,
} from '#stages/tensorflow/runtime.ts';
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

/**
 * Turns each pair of dimensions by an angle that grows with the position (Su et al. 2021): a product of complex
 * numbers. Their two parts have to stand side by side: `pairedRows`.
 */
export interface Rotation {
  /** complex64 [1, length * headSize / 2] */
  readonly forward: Tensor;
  readonly back: Tensor;
}

/** Rotation of queries and of keys; each gets the fourth root of 1 / headSize, so that scores are scaled. */
export function rotationOf(
  tf: Tensorflow,
  sizes: { readonly length: number; readonly headSize: number; readonly theta: number },
): Rotation {
  const { length, headSize } = sizes;
  const frequencies = rotaryFrequencies(headSize, sizes.theta);
  const scale = headSize ** -0.25;
  const numbers = (direction: 1 | -1): Tensor => {
    const values = new Float32Array(length * headSize);
    for (let i = 0; i < values.length; i += 2) {
      const position = Math.floor(i / headSize);
      const angle = position * (frequencies[(i % headSize) / 2] as number);
      values[i] = scale * Math.cos(angle);
      values[i + 1] = direction * scale * Math.sin(angle);
    }
    return asComplex(tf, tf.tensor(values, [1, values.length / 2, 2]));
  };
  return { forward: numbers(1), back: numbers(-1) };
}

/** theta^(-2i / headSize) for each pair of dimensions. */
export function rotaryFrequencies(headSize: number, theta: number): Float32Array {
  return Float32Array.from(
    { length: headSize / 2 },
    (_, pair) => theta ** ((-2 * pair) / headSize),
  );
}

/**
 * Rows of a weight [parts * heads * headSize, in] in the order that `rotate` wants of queries and keys: dimension i
 * of a head beside i + headSize / 2, with which Hugging Face pairs it. Rows of the values stay.
 */
export function pairedRows(
  tf: Tensorflow,
  weight: Tensor,
  { hiddenSize, headSize }: { readonly hiddenSize: number; readonly headSize: number },
): Tensor {
  const order = Int32Array.from({ length: 3 * hiddenSize }, (_, row) => {
    if (row >= 2 * hiddenSize) return row;
    const dimension = row % headSize;
    return row - dimension + (dimension % 2) * (headSize / 2) + (dimension >> 1);
  });
  const inverse = new Int32Array(order.length);
  for (const [row, from] of order.entries()) inverse[from] = row;
  const operation = tf.customGrad((rows) => ({
    value: tf.gather(rows as Tensor, tf.tensor1d(order, 'int32')),
    gradFunc: (dy: Tensor) => tf.gather(dy, tf.tensor1d(inverse, 'int32')),
  }));
  return operation(weight);
}

/** Queries or keys [..., length, headSize] turned; the gradient is turned back. */
export function rotate(tf: Tensorflow, x: Tensor, { forward, back }: Rotation): Tensor {
  const turn = (floats: Tensor, rotation: Tensor): Tensor => {
    const width = rotation.shape[1] ?? 0;
    const numbers = asComplex(tf, tf.reshape(floats, [-1, width, 2]));
    return tf.reshape(asFloats(tf, tf.mul(numbers, rotation)), floats.shape);
  };
  const operation = tf.customGrad((x, save) => {
    // Saved, not captured: tfjs disposes what only the forward pass made before it goes backward.
    (save as SaveForGradient)([back]);
    return {
      value: turn(x as Tensor, forward),
      gradFunc: (dy: Tensor, saved: Tensor[]) => turn(dy, saved[0] as Tensor),
    };
  });
  return operation(x);
}

/** [..., 2] as [...], without a copy. */
function asComplex(tf: Tensorflow, pairs: Tensor): Tensor {
  return bitcast(tf, pairs, 'TF_FLOAT', 'TF_COMPLEX64');
}

function asFloats(tf: Tensorflow, numbers: Tensor): Tensor {
  return bitcast(tf, numbers, 'TF_COMPLEX64', 'TF_FLOAT');
}

function bitcast(
  tf: Tensorflow,
  x: Tensor,
  from: 'TF_FLOAT' | 'TF_COMPLEX64',
  to: 'TF_FLOAT' | 'TF_COMPLEX64',
): Tensor {
  const backend = nativeBackend(tf);
  const { binding } = backend;
  const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value });
  return backend.executeSingleOutput(
    'Bitcast',
    [type('T', binding[from]), type('type', binding[to])],
    [x],
  );
}

/** exp of it is 0 in float32, and it stays finite when a row has no real token at all. */
const PADDING_SCORE = -1e9;
