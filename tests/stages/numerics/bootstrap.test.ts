import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapIntervals, eachRow, unitsOf } from '#stages/numerics/bootstrap.ts';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { resampledRegression } from '#stages/numerics/resampled-regression.ts';
import { regressionFigures } from '#stages/numerics/value-metrics.ts';

const shareOf = (values: ArrayLike<number>) => (draw: Int32Array) => ({
  share: draw.reduce((sum, at) => sum + (values[at] ?? 0), 0) / draw.length,
});
const intervalOf = (values: ArrayLike<number>, stream = 'interval') =>
  bootstrapIntervals(values.length, randomFor(1, stream), shareOf(values))['share'] ??
  assert.fail();

test('the interval of a share is near the normal one and repeats with its seed', () => {
  const right = Uint8Array.from({ length: 1000 }, (_, row) => (row % 10 === 0 ? 0 : 1));
  const [low, high] = intervalOf(right);
  const width = 1.96 * Math.sqrt((0.9 * 0.1) / 1000);
  assert.ok(Math.abs(low - (0.9 - width)) < 0.005, String(low));
  assert.ok(Math.abs(high - (0.9 + width)) < 0.005, String(high));
  assert.deepEqual(intervalOf(right), [low, high]);
  assert.notDeepEqual(intervalOf(right, 'another'), [low, high]);
});

test('rows that are right and wrong together make a wider interval than rows by themselves', () => {
  // 100 sentences of 10 words each, all of them right or all wrong.
  const right = Uint8Array.from({ length: 1000 }, (_, row) => (row % 100 < 20 ? 0 : 1));
  const units = unitsOf(Array.from(right, (_, row) => String(row % 100)));
  assert.equal(units.starts.length, 101);
  const { share: [low, high] = [0, 0] } = bootstrapIntervals(100, randomFor(1, 'x'), (draw) => {
    let sum = 0;
    eachRow(units, draw, (row) => {
      sum += right[row] ?? 0;
    });
    return { share: sum / 1000 };
  });
  const [closer, farther] = intervalOf(right);
  const ratio = (high - low) / (farther - closer);
  assert.ok(ratio > 2.8 && ratio < 3.6, `${ratio}, sqrt(10) expected`);
});

test('two models on the same rows are resampled alike: a difference that is everywhere is certain', () => {
  const random = randomFor(1, 'rows');
  const first = Float64Array.from({ length: 300 }, () => random());
  const second = first.map((value) => value + 0.25);
  const { gain = [0, 0] } = bootstrapIntervals(300, randomFor(1, 'x'), (draw) => ({
    gain: shareOf(second)(draw).share - shareOf(first)(draw).share,
  }));
  assert.ok(gain.every((bound) => Math.abs(bound - 0.25) < 1e-9));
});

test('figures of a draw from sums are those of the rows drawn', () => {
  const random = randomFor(2, 'regression');
  const gold = Float32Array.from({ length: 80 }, () => 1000 + normal(random));
  const values = gold.map((value) => value + normal(random));
  const figuresOf = resampledRegression(values, gold, 2);
  const draw = Int32Array.from({ length: 40 }, (_, at) => (at * 7) % 23);
  const rows = (table: Float32Array) =>
    Float32Array.from([...draw].flatMap((row) => [...table.subarray(row * 2, row * 2 + 2)]));
  const slow = regressionFigures(rows(values), rows(gold), 2);
  const fast = figuresOf(draw);
  for (const name of ['pearson', 'meanSquaredError', 'meanAbsoluteError'] as const) {
    assert.ok(Math.abs((fast[name] ?? 9) - (slow[name] ?? 0)) < 1e-6, `${name} ${fast[name]}`);
  }
  assert.equal(figuresOf(Int32Array.of(3, 3, 3)).pearson, null);
});

test('a figure that no draw tells has no interval', () => {
  const found = bootstrapIntervals(3, randomFor(1, 'x'), () => ({ known: 1, unknown: null }));
  assert.deepEqual(found, { known: [1, 1] });
});
