import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { topK } from '#stages/numerics/top-k.ts';
import type { Scalar, Tensor2D } from '#stages/tensorflow/runtime.ts';
import { softLoss } from '#stages/tensorflow/soft-loss.ts';
import { softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import { tf } from '#tests/support/tensorflow.ts';

const [ROWS, CLASSES, K] = [64, 77, 10];

test('a softmax restricted to the kept classes leaves the others where they are, and they win; the tail bucket holds them down', () => {
  const random = randomFor(1, 'kept');
  const rows = () =>
    Array.from({ length: ROWS }, () => Array.from({ length: CLASSES }, () => 2 * normal(random)));
  const [teacher, start] = [rows(), rows()];
  const tops = teacher.map((row) => topK(row, K, 1));
  const targets = {
    type: 'top-k',
    topIds: tf.tensor2d(
      tops.map(({ ids }) => [...ids]),
      undefined,
      'int32',
    ),
    teacherLogProbs: tf.tensor2d(tops.map(({ logProbs }) => [...logProbs])),
    tailLogMass: tf.tensor1d(tops.map(({ tailLogMass }) => tailLogMass)),
    temperature: tf.scalar(1),
    weights: tf.tensor1d(teacher.map(() => 1)),
  } as const;
  const restricted = (logits: Tensor2D): Scalar => {
    const kept = tf.logSoftmax(tf.gather(logits, targets.topIds, 1, 1));
    const wanted = tf.logSoftmax(targets.teacherLogProbs);
    return tf.mean(tf.sum(tf.mul(tf.exp(wanted), tf.sub(wanted, kept)), 1));
  };
  const agreementAfter = (lossOf: (logits: Tensor2D) => Scalar): number =>
    tf.tidy(() => {
      let logits = tf.tensor2d(start);
      const slope = tf.grad((x) => lossOf(x as Tensor2D));
      for (let step = 0; step < 100; step++) {
        logits = tf.sub(logits, tf.mul(slope(logits), 2 * ROWS));
      }
      const best = tf.argMax(logits, 1).dataSync();
      return tops.filter(({ ids }, row) => ids[0] === best[row]).length / ROWS;
    });
  const bucket = agreementAfter((logits) =>
    softLoss(tf, softLossKind('forward-kl'), logits, targets),
  );
  const without = agreementAfter(restricted);
  assert.ok(bucket > 0.85, `${bucket} with the bucket`);
  assert.ok(without < bucket - 0.2, `${without} without, ${bucket} with it`);
});
