import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  agreementInterval,
  classIntervals,
  entityIntervals,
  valueIntervals,
} from '#stages/evaluate/intervals.ts';
import { accuracy, classScores, macroF1 } from '#stages/numerics/metrics.ts';
import { randomFor } from '#stages/numerics/random.ts';

const random = randomFor(1, 'rows');
const rows = 400;
const goldIds = Int32Array.from({ length: rows }, () => Math.floor(random() * 4));
const predictedIds = goldIds.map((id) => (random() < 0.8 ? id : (id + 1) % 4));
const own = Array.from({ length: rows }, (_, row) => String(row));

test('accuracy and macro-F1 lie within their intervals, which are some points wide', () => {
  const found = classIntervals({ exampleIds: own, predictedIds, goldIds }, 5);
  const figures = {
    accuracy: accuracy(predictedIds, goldIds),
    macroF1: macroF1(classScores(predictedIds, goldIds, 5)),
  };
  for (const [name, value] of Object.entries(figures)) {
    const [low, high] = found[name] ?? assert.fail();
    assert.ok(low < value && value < high, name);
    assert.ok(high - low > 0.06 && high - low < 0.1, `${name} ${high - low}`);
  }
});

test('words of one sentence are drawn together', () => {
  // A sentence of ten words is wholly right or wholly wrong.
  const sentences = own.map((_, row) => String(row % 40));
  const said = goldIds.map((id, row) => (row % 40 < 32 ? id : (id + 1) % 4));
  const width = (exampleIds: readonly string[]) => {
    const { accuracy: [low, high] = [0, 0] } = classIntervals(
      { exampleIds, predictedIds: said, goldIds },
      4,
    );
    return high - low;
  };
  assert.ok(width(sentences) > 2.5 * width(own));
  const same = goldIds.map((id, row) => Number(id === said[row]));
  const [low, high] = agreementInterval(sentences, Uint8Array.from(same)) ?? assert.fail();
  assert.ok(high - low > 2.5 * width(own));
});

test('entity F1 has an interval over sentences', () => {
  const sentence = (isFound: boolean) => ({
    gold: ['B-city', 'O', 'B-city'],
    predicted: isFound ? ['B-city', 'O', 'B-city'] : ['O', 'O', 'O'],
  });
  const sentences = Array.from({ length: 100 }, (_, at) => sentence(at % 2 === 0));
  // Half of the entities: F1 2/3, and sentences found vary by 5 %.
  const { entityF1: [low, high] = [0, 0] } = entityIntervals(sentences);
  assert.ok(low < 2 / 3 && high > 2 / 3);
  assert.ok(high - low > 0.1 && high - low < 0.25, `${high - low}`);
});

test('figures of several labels and of numbers have intervals', () => {
  const targets = Float32Array.from({ length: rows * 2 }, () => Number(random() < 0.4));
  const logits = targets.map((share) => (random() < 0.85 ? share - 0.5 : 0.5 - share));
  const labels = valueIntervals('multi-label', logits, targets, 2);
  assert.deepEqual(Object.keys(labels), ['microF1', 'subsetAccuracy']);
  const numbers = valueIntervals('regression', logits, targets, 2);
  assert.deepEqual(Object.keys(numbers), ['pearson', 'meanSquaredError', 'meanAbsoluteError']);
  for (const [low, high] of Object.values({ ...labels, ...numbers })) assert.ok(low < high);
});
