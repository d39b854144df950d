import { normal, randomFor } from '#stages/numerics/random.ts';
import { dropoutOf } from '#stages/students/dropout.ts';
import { hardLoss, softLossTopK } from '#stages/tensorflow/distillation-loss.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { FeedSpec, Feeds, FeedTensors, StepProgram } from '#stages/tensorflow/step-program.ts';

/** A bag of embeddings with dropout and both losses: a whole training step in a few hundred weights. */
export function tinyProgram(changes: Partial<StepProgram> = {}): StepProgram {
  return {
    initialWeights: initialWeights(),
    decayMask: decayMask(),
    buckets: [4, 8],
    feeds: (bucket) => [
      ...inputSpecs(bucket),
      { name: 'dropoutSeed', dtype: 'int32', shape: [2] },
      { name: 'topIds', dtype: 'int32', shape: [BATCH, K] },
      { name: 'teacherLogProbs', dtype: 'float32', shape: [BATCH, K] },
      { name: 'tailLogMass', dtype: 'float32', shape: [BATCH] },
      { name: 'temperature', dtype: 'float32', shape: [] },
      { name: 'rowWeights', dtype: 'float32', shape: [BATCH] },
      { name: 'goldIds', dtype: 'int32', shape: [BATCH] },
      { name: 'goldWeights', dtype: 'float32', shape: [BATCH] },
    ],
    loss(tf, weights, feeds, bucket) {
      const logits = forward(tf, weights, feeds, bucket);
      const feed = named(feeds);
      const softLoss = softLossTopK(tf, logits, {
        topIds: feed('topIds'),
        teacherLogProbs: feed('teacherLogProbs'),
        tailLogMass: feed('tailLogMass'),
        temperature: feed('temperature') as Scalar,
        weights: feed('rowWeights') as Tensor1D,
      });
      const weighted = { goldIds: feed('goldIds'), weights: feed('goldWeights') as Tensor1D };
      const gold = hardLoss(tf, logits, { ...weighted, labelSmoothing: 0.1 });
      return {
        loss: tf.add(tf.mul(softLoss, 0.9), tf.mul(gold, 0.1)),
        parts: { softLoss, hardLoss: gold },
      };
    },
    evaluationFeeds: inputSpecs,
    evaluate: forward,
    optimizer: {
      kind: 'adamw',
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
      maxGradNorm: 0.5,
    },
    ...changes,
  };
}

/** A random batch for the program; the last row only fills it, and every other row has gold. */
export function tinyBatch(bucket: number, index: number): Feeds {
  const random = randomFor(index, `batch${bucket}`);
  const ids = (count: number, below: number): Int32Array =>
    Int32Array.from({ length: count }, () => Math.floor(random() * below));
  const filled = Float32Array.from({ length: BATCH }, (_, row) => (row < BATCH - 1 ? 1 : 0));
  return {
    inputIds: ids(BATCH * bucket, VOCABULARY),
    dropoutSeed: Int32Array.of(index, 17),
    // k different classes a row: neighbours of a random one
    topIds: Int32Array.from(
      { length: BATCH * K },
      (_, i) => (Math.floor(i / K) + (i % K)) % CLASSES,
    ),
    teacherLogProbs: new Float32Array(BATCH * K).fill(Math.log(0.3)),
    tailLogMass: new Float32Array(BATCH).fill(Math.log(0.1)),
    temperature: Float32Array.of(2),
    rowWeights: filled,
    goldIds: ids(BATCH, CLASSES),
    goldWeights: filled.map((weight, row) => (row % 2 === 0 ? weight : 0)),
  };
}

function inputSpecs(bucket: number): FeedSpec[] {
  return [{ name: 'inputIds', dtype: 'int32', shape: [BATCH * bucket] }];
}

function forward(tf: Tensorflow, weights: Tensor1D, feeds: FeedTensors, bucket: number): Tensor2D {
  const [table, matrix, bias] = tf.split(weights, [VOCABULARY * WIDTH, WIDTH * CLASSES, CLASSES]);
  if (table === undefined || matrix === undefined || bias === undefined) throw new Error('split');
  const dropout = dropoutOf(tf, 0.2, feeds);
  const embedded = tf.gather(
    tf.reshape(table, [VOCABULARY, WIDTH]),
    named(feeds)('inputIds').as1D(),
  );
  const pooled = tf.mean(tf.reshape(dropout(embedded), [BATCH, bucket, WIDTH]), 1);
  const hidden = dropout(tf.tanh(pooled)).as2D(BATCH, WIDTH);
  return tf.add(tf.matMul(hidden, tf.reshape(matrix, [WIDTH, CLASSES])), bias);
}

function named(feeds: FeedTensors): (name: string) => Tensor {
  return (name) => {
    const tensor = feeds[name];
    if (tensor === undefined) throw new Error(`no feed ${name}`);
    return tensor;
  };
}

function initialWeights(): Float32Array {
  const random = randomFor(1, 'weights');
  return Float32Array.from({ length: SIZE }, () => 0.3 * normal(random));
}

function decayMask(): Float32Array {
  return new Float32Array(SIZE).fill(1, 0, SIZE - CLASSES);
}

const BATCH = 6;
const VOCABULARY = 20;
const WIDTH = 8;
const CLASSES = 5;
const K = 3;
const SIZE = VOCABULARY * WIDTH + WIDTH * CLASSES + CLASSES;
