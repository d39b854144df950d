import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  accuracy,
  agreement,
  calibrationBins,
  classScores,
  confusionPairs,
  expectedCalibrationError,
  macroF1,
  negativeLogLikelihood,
  quantile,
} from '#stages/numerics/metrics.ts';

const gold = Int32Array.of(0, 0, 0, 1, 1, 2);
const predicted = Int32Array.of(0, 0, 1, 1, 2, 1);

test('accuracy is the share of equal rows', () => {
  assert.equal(accuracy(predicted, gold), 0.5);
  assert.equal(agreement(gold, gold), 1);
});

test('tables of different length are refused', () => {
  assert.throws(() => accuracy(Int32Array.of(1), gold), RangeError);
});

// Values of sklearn.metrics.precision_recall_fscore_support on the same rows.
test('class scores are those of scikit-learn', () => {
  const scores = classScores(predicted, gold, 4);
  assert.deepEqual(
    scores.map(({ support, predicted: found }) => [support, found]),
    [
      [3, 2],
      [2, 3],
      [1, 1],
      [0, 0],
    ],
  );
  assert.deepEqual(
    scores.map(({ precision }) => precision),
    [1, 1 / 3, 0, 0],
  );
  assert.deepEqual(
    scores.map(({ recall }) => recall),
    [2 / 3, 1 / 2, 0, 0],
  );
  assert.deepEqual(
    scores.map(({ f1 }) => f1),
    [0.8, 0.4, 0, 0],
  );
});

test('macro-F1 leaves out classes that occur nowhere', () => {
  assert.ok(Math.abs(macroF1(classScores(predicted, gold, 4)) - 0.4) < 1e-12);
});

test('calibration error weighs each bin by its rows', () => {
  // Bin (0.8, 0.867] holds two rows of mean 0.85, one right; bin (0.533, 0.6] one right row of 0.6.
  const bins = calibrationBins(Float64Array.of(0.84, 0.86, 0.6), Uint8Array.of(1, 0, 1));
  assert.equal(bins.length, 15);
  assert.deepEqual(
    bins.filter(({ count }) => count > 0).map(({ count }) => count),
    [1, 2],
  );
  const expected = (1 * 0.4 + 2 * 0.35) / 3;
  assert.ok(Math.abs(expectedCalibrationError(bins) - expected) < 1e-12);
});

test('a confidence on the edge of two bins counts in the lower one, 0 in the first', () => {
  const bins = calibrationBins(Float64Array.of(0, 0.5, 1), Uint8Array.of(0, 1, 1), 2);
  assert.deepEqual(
    bins.map(({ count }) => count),
    [2, 1],
  );
});

test('the most frequent confusions come first, ties in class order', () => {
  const pairs = confusionPairs(Int32Array.of(1, 1, 0, 2, 0), Int32Array.of(0, 0, 1, 1, 0), 2);
  assert.deepEqual(pairs, [
    { goldId: 0, predictedId: 1, count: 2 },
    { goldId: 1, predictedId: 0, count: 1 },
  ]);
});

test('negative log-likelihood is a mean in nats', () => {
  const logProbs = Float64Array.of(Math.log(0.5), Math.log(0.125));
  assert.ok(Math.abs(negativeLogLikelihood(logProbs) - 2 * Math.LN2) < 1e-12);
});

test('quantiles are linear between neighbours', () => {
  assert.equal(quantile([1, 2, 4], 0.5), 2);
  assert.equal(quantile([1, 2, 4], 0.75), 3);
  assert.equal(quantile([7], 0.975), 7);
});

const labels = fc.array(
  fc.tuple(fc.nat(4), fc.nat(4), fc.double({ min: 0, max: 1, noNaN: true })),
  {
    minLength: 1,
    maxLength: 60,
  },
);

test('property: all shares lie in [0, 1] and the bins hold every row', () => {
  fc.assert(
    fc.property(labels, (rows) => {
      const golds = Int32Array.from(rows, ([id]) => id);
      const guesses = Int32Array.from(rows, ([, id]) => id);
      const confidence = Float64Array.from(rows, ([, , share]) => share);
      const correct = Uint8Array.from(golds, (id, row) => (id === guesses[row] ? 1 : 0));
      const bins = calibrationBins(confidence, correct);
      assert.equal(
        bins.reduce((sum, { count }) => sum + count, 0),
        rows.length,
      );
      const scores = classScores(guesses, golds, 5);
      for (const share of [
        expectedCalibrationError(bins),
        macroF1(scores),
        accuracy(guesses, golds),
      ]) {
        assert.ok(share >= 0 && share <= 1);
      }
    }),
  );
});

test('property: confusions and hits together are all rows', () => {
  fc.assert(
    fc.property(labels, (rows) => {
      const golds = Int32Array.from(rows, ([id]) => id);
      const guesses = Int32Array.from(rows, ([, id]) => id);
      const wrong = confusionPairs(guesses, golds, 100).reduce((sum, { count }) => sum + count, 0);
      assert.ok(Math.abs(accuracy(guesses, golds) - (1 - wrong / rows.length)) < 1e-12);
    }),
  );
});
