import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learningRateAt, type Schedule } from '#stages/train-student/schedule.ts';

const linear: Schedule = { schedule: 'linear', learningRate: 1, steps: 100, warmup: 0.1 };

test('the rate rises in equal parts and reaches its highest value with the last warm-up step', () => {
  assert.equal(learningRateAt(0, linear), 0.1);
  assert.equal(learningRateAt(4, linear), 0.5);
  assert.equal(learningRateAt(9, linear), 1);
  assert.equal(learningRateAt(10, linear), 1);
});

test('linear and cosine end at 0 after the last step, constant stays', () => {
  assert.equal(learningRateAt(55, linear), 0.5);
  assert.equal(learningRateAt(100, linear), 0);
  const cosine = { ...linear, schedule: 'cosine' } as const;
  assert.ok(Math.abs(learningRateAt(55, cosine) - 0.5) < 1e-12);
  assert.equal(learningRateAt(100, cosine), 0);
  assert.equal(learningRateAt(99, { ...linear, schedule: 'constant' }), 1);
});

test('without warm-up the first step has the full rate', () => {
  assert.equal(learningRateAt(0, { ...linear, warmup: 0 }), 1);
});
