import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { paretoFront } from '#stages/numerics/pareto-front.ts';

test('the front has what no other beats, equal ones among them', () => {
  const models = [
    { value: 0.9, cost: 10 },
    { value: 0.8, cost: 5 },
    { value: 0.8, cost: 6 },
    { value: 0.7, cost: 5 },
    { value: 0.9, cost: 10 },
    { value: 0.1, cost: 1 },
  ];
  assert.deepEqual(paretoFront(models), [0, 1, 4, 5]);
  assert.deepEqual(paretoFront([]), []);
});

test('property: along the front more costs more, and each model off it is beaten by one on it', () => {
  const model = fc.record({
    value: fc.integer({ max: 20, min: 0 }),
    cost: fc.integer({ max: 20, min: 1 }),
  });
  fc.assert(
    fc.property(fc.array(model, { minLength: 1, maxLength: 30 }), (models) => {
      const front = paretoFront(models).flatMap((place) => models[place] ?? []);
      const sorted = [...front].sort((a, b) => a.cost - b.cost || a.value - b.value);
      for (const [index, one] of sorted.entries()) {
        const before = sorted[index - 1];
        if (before === undefined || before.cost === one.cost) continue;
        assert.ok(one.value > before.value);
      }
      for (const one of models) {
        assert.ok(front.some(({ value, cost }) => value >= one.value && cost <= one.cost));
      }
    }),
  );
});
