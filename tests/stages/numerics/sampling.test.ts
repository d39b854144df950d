import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bestIds } from '#stages/numerics/best-ids.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { drawClasses } from '#stages/numerics/sampling.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { logitsOf, temperature } from '#tests/support/logits.ts';

test('draws are unbiased: over many rows the share of each class is its probability', () => {
  const logits = [2, 0.5, -1, 0.5, -4, Number.NEGATIVE_INFINITY];
  for (const t of [1, 2]) {
    const [rows, draws] = [4000, 50];
    const totals = new Float64Array(logits.length);
    for (let row = 0; row < rows; row++) {
      const { ids, counts } = drawClasses(
        logits,
        { temperature: t, draws },
        randomFor(0, `row ${row}`),
      );
      for (const [place, id] of ids.entries())
        totals[id] = (totals[id] ?? 0) + (counts[place] ?? 0);
    }
    softmax(logits, t).forEach((p, id) => {
      // Four standard errors of a share of 200,000 draws: nothing here is random from run to run.
      const error = 4 * Math.sqrt((p * (1 - p)) / (rows * draws));
      assert.ok(
        Math.abs((totals[id] ?? 0) / (rows * draws) - p) <= error,
        `class ${id} at T = ${t}`,
      );
    });
  }
});

test('property: so many draws as asked for, of classes that exist, each once and ascending', () => {
  fc.assert(
    fc.property(
      logitsOf(1, 40),
      temperature,
      fc.integer({ min: 1, max: 90 }),
      (logits, t, draws) => {
        const { ids, counts } = drawClasses(logits, { temperature: t, draws }, randomFor(1, 'x'));
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          draws,
        );
        assert.deepEqual(
          [...ids],
          [...new Set(ids)].sort((a, b) => a - b),
        );
        assert.ok(
          ids.every((id) => id >= 0 && id < logits.length) && counts.every((count) => count > 0),
        );
      },
    ),
  );
});

test('the ends of the unit interval are drawn from the first and the last possible class', () => {
  const logits = [Number.NEGATIVE_INFINITY, 1, 0, Number.NEGATIVE_INFINITY];
  const almostOne = 1 - 2 ** -53;
  const points = [0, almostOne];
  const { ids } = drawClasses(logits, { temperature: 1, draws: 2 }, () => points.pop() ?? 0);
  assert.deepEqual([...ids], [1, 2]);
});

test('nothing is drawn where the logits are no numbers', () => {
  for (const logits of [[1, Number.NaN], [Number.POSITIVE_INFINITY, 1], []]) {
    const { ids } = drawClasses(logits, { temperature: 1, draws: 5 }, () => 0.5);
    assert.equal(ids.length, 0);
  }
});

test('property: the best ids are those of the slow top k, equal logits included', () => {
  const rows = fc.oneof(
    logitsOf(1, 40),
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 }),
  );
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 12 }), (logits, k) => {
      assert.deepEqual(bestIds(logits, k), topK(logits, k).ids);
    }),
  );
});
