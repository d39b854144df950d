import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgedClasses, judgedValues } from '#stages/evaluate/judged.ts';

const exampleIds = ['a', 'b', 'c', 'd'];

test('classes are judged on the rows that have gold, by their places', () => {
  const predictedIds = Int32Array.from([0, 1, 2, 1]);
  const gold = new Map([
    ['a', 0],
    ['c', 1],
    ['d', 1],
  ]);
  const judged = judgedClasses({ exampleIds, predictedIds }, gold, 3);
  assert.deepEqual(judged.exampleIds, ['a', 'c', 'd']);
  assert.deepEqual(judged.figuresOf([0, 2]), { accuracy: 1, macroF1: 1 });
  assert.deepEqual(judged.figuresOf([1]), { accuracy: 0, macroF1: 0 });
});

test('numbers and several labels are judged by the figures of their task', () => {
  const logits = Float32Array.from([1, -1, 5, 5, -1, 1, 3, 2]);
  const gold = new Map([
    ['a', Float32Array.from([1, 0])],
    ['c', Float32Array.from([1, 1])],
    ['d', Float32Array.from([1, 1])],
  ]);
  const labels = judgedValues({ exampleIds, logits }, gold, { task: 'multi-label', width: 2 });
  assert.equal(labels.figuresOf([0, 2])['subsetAccuracy'], 1);
  assert.equal(labels.figuresOf([0, 1])['subsetAccuracy'], 0.5);
  const numbers = judgedValues({ exampleIds, logits }, gold, { task: 'regression', width: 2 });
  assert.equal(numbers.figuresOf([2])['meanAbsoluteError'], 1.5);
  assert.equal(numbers.figuresOf([0])['meanSquaredError'], 0.5);
});
