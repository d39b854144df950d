import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bestTwo,
  bestTwoOf,
  classProbabilities,
} from '#datasets/soft-labels/class-probabilities.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { exampleId, softLabelsOf, tinyMeta } from '#tests/support/tiny-world.ts';

const logitsOf = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), {
  minLength: 3,
  maxLength: 3,
});
const dense = tinyMeta({ mode: 'dense', topK: null });

test('property: from all logits the probabilities are the softmax', () => {
  fc.assert(
    fc.property(logitsOf, (logits) => {
      const rows = softLabelsOf('train', [{ id: exampleId(1), logits }], dense);
      const expected = softmax(logits);
      const found = classProbabilities(rows, dense)(0);
      for (const [id, prob] of found.entries()) {
        assert.ok(Math.abs(prob - (expected[id] ?? 0)) < 1e-5);
      }
    }),
  );
});

test('property: from the best k they are exact there, add up to 1 and have the same best two', () => {
  fc.assert(
    fc.property(logitsOf, (logits) => {
      const meta = tinyMeta();
      const rows = softLabelsOf('train', [{ id: exampleId(1), logits }], meta);
      const found = classProbabilities(rows, meta)(0);
      const sum = found.reduce((total, prob) => total + prob, 0);
      assert.ok(Math.abs(sum - 1) < 1e-5, `${sum}`);
      const expected = bestTwoOf(softmax(logits));
      const fast = bestTwo(rows, meta)(0);
      assert.ok(Math.abs(fast.margin - expected.margin) < 1e-5);
      assert.ok(Math.abs(bestTwoOf(found).margin - expected.margin) < 1e-5);
      if (expected.margin > 1e-4) assert.equal(fast.classId, expected.classId);
    }),
  );
});

test('with one kept class the second best is not above the tail', () => {
  const meta = tinyMeta({ topK: 1 });
  const rows = softLabelsOf('train', [{ id: exampleId(1), logits: [3, 0, 0] }], meta);
  const [best = 0, second = 0] = softmax([3, 0, 0]);
  assert.ok(Math.abs(bestTwo(rows, meta)(0).margin - (best - second)) < 1e-6);
});
