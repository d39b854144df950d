import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { averagePrecision } from '#stages/numerics/average-precision.ts';
import { binaryEntropy, sigmoid, softplus } from '#stages/numerics/binary.ts';
import {
  multiLabelFigures,
  pearson,
  regressionFigures,
  rSquared,
  sameLabelsF1,
  spearman,
} from '#stages/numerics/value-metrics.ts';

const near = (found: number | null, expected: number) =>
  assert.ok(found !== null && Math.abs(found - expected) < 1e-9, `${found}, not ${expected}`);

test('errors and correlations are those that scikit-learn and SciPy document', () => {
  // sklearn.metrics.mean_squared_error and mean_absolute_error, the example of their documentation.
  const figures = regressionFigures([2.5, 0, 2, 8], [3, -0.5, 2, 7], 1);
  near(figures.meanSquaredError, 0.375);
  near(figures.meanAbsoluteError, 0.5);
  // scipy.stats.pearsonr([1, 2, 3, 4, 5, 6, 7], [10, 9, 2.5, 6, 4, 3, 2]) and spearmanr([1..5], [5, 6, 7, 8, 7]).
  near(pearson([1, 2, 3, 4, 5, 6, 7], [10, 9, 2.5, 6, 4, 3, 2]), -0.828503883588428);
  near(spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]), 0.8207826816681233);
  assert.equal(pearson([1, 1, 1], [1, 2, 3]), null);
});

test('R^2 is that of scikit-learn, 0 of the mean and nothing where gold never changes', () => {
  // sklearn.metrics.r2_score, examples of its documentation: of one output, and the uniform average of two.
  near(rSquared([2.5, 0, 2, 8], [3, -0.5, 2, 7], 1), 0.9486081370449679);
  near(rSquared([0, 2, -1, 2, 8, -5], [0.5, 1, -1, 1, 7, -6], 2), 0.9368005266622779);
  near(rSquared([2, 2, 2], [1, 2, 3], 1), 0);
  assert.equal(rSquared([1, 2], [3, 3], 1), null);
});

test('property: nobody who says the same labels of every row reaches a larger micro-F1', () => {
  const rows = fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), { minLength: 1 });
  const same = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(rows, same, (gold, says) => {
      const logits = gold.flatMap(() => says.map((one) => (one ? 1 : -1)));
      const shares = gold.flat().map(Number);
      const { microF1 } = multiLabelFigures(logits, shares, 3);
      assert.ok(microF1 <= sameLabelsF1(shares, 3) + 1e-12);
    }),
  );
  near(sameLabelsF1([1, 0, 1, 1, 1, 0], 2), 2 * (3 / (3 + 4)));
});

test('average precision counts rows of equal score together, as scikit-learn does', () => {
  // sklearn.metrics.average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
  near(averagePrecision([0.1, 0.4, 0.35, 0.8], [false, false, true, true]), 5 / 6);
  near(averagePrecision([1, 1, 1, 1], [false, true, false, true]), 0.5);
  assert.equal(averagePrecision([1, 2], [false, false]), null);
  for (let yes = 1; yes <= 60; yes++) {
    const scores = Array.from({ length: 80 }, (_, row) => -row);
    assert.equal(
      averagePrecision(
        scores,
        scores.map((_, row) => row < yes),
      ),
      1,
    );
  }
});

test('micro-F1 counts all decisions, macro-F1 the classes, and a row is right as a whole', () => {
  const gold = [1, 0, 0, 1, 1, 0, 0, 0, 0]; // 3 rows of 3 classes
  const logits = [2, -1, -1, 1, -3, -1, -2, -2, 4];
  const figures = multiLabelFigures(logits, gold, 3);
  near(figures.microF1, (2 * 2) / (3 + 3));
  near(figures.macroF1, (1 + 0 + 0) / 3);
  near(figures.subsetAccuracy, 1 / 3);
  assert.deepEqual(
    figures.perClass.map(({ support }) => support),
    [2, 1, 0],
  );
  near(
    figures.meanAveragePrecision,
    (1 + averagePrecisionOf([-1, -3, -2], [false, true, false])) / 2,
  );
});

test('property: entropy, softplus and sigmoid of a yes or no are what their formulas say', () => {
  fc.assert(
    fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (logit) => {
      const p = 1 / (1 + Math.exp(-logit));
      assert.ok(Math.abs(sigmoid(logit) - p) < 1e-12);
      assert.ok(Math.abs(softplus(logit) - Math.log(1 + Math.exp(logit))) < 1e-9);
      const entropy = -[p, 1 - p].reduce((sum, q) => sum + (q > 0 ? q * Math.log(q) : 0), 0);
      assert.ok(Math.abs(binaryEntropy(logit) - entropy) < 1e-9);
    }),
  );
  assert.equal(softplus(1000), 1000);
  assert.equal(binaryEntropy(-1000), 0);
});

function averagePrecisionOf(scores: number[], isYes: boolean[]): number {
  return averagePrecision(scores, isYes) ?? Number.NaN;
}
