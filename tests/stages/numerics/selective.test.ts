import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuracyAtCoverage, areaUnderRisk } from '#stages/numerics/selective.ts';

const confidences = [0.9, 0.2, 0.6, 0.8];
const correct = [1, 0, 0, 1];

test('the surest rows are answered first, and the last of them names the threshold', () => {
  assert.deepEqual(accuracyAtCoverage(confidences, correct, [1, 0.75, 0.5, 0.01]), [
    { coverage: 1, confidence: 0.2, accuracy: 0.5 },
    { coverage: 0.75, confidence: 0.6, accuracy: 2 / 3 },
    { coverage: 0.5, confidence: 0.8, accuracy: 1 },
    { coverage: 0.01, confidence: 0.9, accuracy: 1 },
  ]);
});

test('the area under risk is the mean of the errors among the n surest', () => {
  assert.ok(Math.abs(areaUnderRisk(confidences, correct) - (0 + 0 + 1 / 3 + 1 / 2) / 4) < 1e-12);
  assert.equal(areaUnderRisk([0.9, 0.8], [1, 1]), 0);
});
