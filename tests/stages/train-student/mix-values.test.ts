import assert from 'node:assert/strict';
import test from 'node:test';
import { mixValues } from '#stages/train-student/values/mix-values.ts';

const part = (logits: number[], weight: number) => ({
  target: { type: 'dense' as const, logits: Float32Array.from(logits) },
  weight,
});

test('numbers of several teachers are averaged by weight', () => {
  const space = { classCount: 2, temperature: 2 };
  const mixed = mixValues([part([1, -4], 3), part([5, 0], 1)], 'regression', space);
  assert.deepEqual(mixed, { type: 'dense', logits: Float32Array.of(2, -3) });
});

test('several labels are averaged as probabilities at the temperature, each for itself', () => {
  const space = { classCount: 2, temperature: 2 };
  const mixed = mixValues([part([2, -60], 1), part([-2, -60], 1)], 'multi-label', space);
  assert.ok(mixed.type === 'dense');
  assert.ok(Math.abs(mixed.logits[0] ?? 1) < 1e-6);
  assert.ok(Math.abs((mixed.logits[1] ?? 0) + 60) < 1e-4);
});
