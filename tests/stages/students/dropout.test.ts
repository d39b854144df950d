import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropoutOf } from '#stages/students/dropout.ts';
import { tf } from '#tests/support/tensorflow.ts';

const ones = tf.ones([100, 100]);

test('dropout zeroes about the given share and keeps the expected sum', () => {
  const values = masked(0.3, [1, 2])[0] ?? [];
  const dropped = values.filter((value) => value === 0).length / values.length;
  assert.ok(Math.abs(dropped - 0.3) < 0.02, `${dropped}`);
  assert.ok(values.every((value) => value === 0 || Math.abs(value - 1 / 0.7) < 1e-6));
});

test('each call of a pass and each pass has a mask of its own', () => {
  // Seeds of neighbouring steps: [epoch, step].
  const passes = [1, 2, 3, 4].map((step) => masked(0.5, [0, step]));
  const masks = passes.flat().map((values) => values.join());
  assert.equal(new Set(masks).size, masks.length);
});

test('without a seed or a rate nothing is dropped', () => {
  assert.equal(dropoutOf(tf, 0.5, {})(ones), ones);
  assert.equal(dropoutOf(tf, 0, { dropoutSeed: tf.tensor1d([1, 2], 'int32') })(ones), ones);
});

/** Ones through four dropouts of one forward pass. */
function masked(rate: number, seed: readonly [number, number]): number[][] {
  const dropout = dropoutOf(tf, rate, { dropoutSeed: tf.tensor1d(Int32Array.from(seed), 'int32') });
  return [1, 2, 3, 4].map(() => Array.from(dropout(ones).dataSync()));
}
