import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  logitsOfBest,
  logitsOfLabelProbabilities,
  logitsOfLabelVotes,
  logitsOfProbabilities,
  logitsOfVotes,
} from '#stages/numerics/answer-logits.ts';
import { assertClose } from '#tests/support/close.ts';

test('a label is smoothed as label smoothing does, and more votes trust the prior less', () => {
  const one = logitsOfVotes({ ids: [1], values: [1] }, 4, 0.1);
  assertClose(Math.exp(one[1] ?? NaN), 0.9 + 0.1 / 4, 1e-6);
  assertClose(Math.exp(one[0] ?? NaN), 0.1 / 4, 1e-6);
  const nine = logitsOfVotes({ ids: [1], values: [9] }, 4, 0.1);
  // (9 + s / 4) / (9 + s) with s = 1 / 9
  assertClose(Math.exp(nine[1] ?? NaN), (9 + 1 / 36) / (9 + 1 / 9), 1e-6);
});

test('votes are shares', () => {
  const probs = [...logitsOfVotes({ ids: [0, 2], values: [60, 40] }, 3, 0.01)].map(Math.exp);
  assertClose(probs[0] ?? NaN, 0.6, 1e-3);
  assertClose(probs[2] ?? NaN, 0.4, 1e-3);
});

test('probabilities of 0 become small and finite, the others stay as they are', () => {
  const logits = logitsOfProbabilities({ ids: [0, 1, 2], values: [0.7, 0.3, 0] }, 4);
  assertClose(Math.exp(logits[0] ?? NaN), 0.7, 1e-4);
  assert.ok(logits.every(Number.isFinite));
  assert.ok(Math.exp(logits[2] ?? NaN) + Math.exp(logits[3] ?? NaN) < 1e-4);
});

test('what best classes leave of 1 is spread evenly over the others', () => {
  const values = [Math.log(0.6), Math.log(0.2)];
  const probs = [...logitsOfBest({ ids: [3, 0], values }, 6)].map(Math.exp);
  assertClose(probs[3] ?? NaN, 0.6, 1e-6);
  assertClose(probs[0] ?? NaN, 0.2, 1e-6);
  for (const other of [1, 2, 4, 5]) assertClose(probs[other] ?? NaN, 0.05, 1e-6);
});

test('no class that was not named becomes likelier than one that was', () => {
  const values = [Math.log(0.5), Math.log(0.1)];
  const probs = [...logitsOfBest({ ids: [0, 1], values }, 3)].map(Math.exp);
  assertClose(probs[2] ?? NaN, probs[1] ?? NaN, 1e-6);
  assertClose((probs[0] ?? NaN) / (probs[1] ?? NaN), 5, 1e-5);
});

test('a vote on a label is what a vote on one of two classes is, and no vote is a no', () => {
  for (const smoothing of [0.1, 0.3]) {
    const labels = logitsOfLabelVotes({ ids: [2, 0], values: [3, 1] }, 4, 3, smoothing);
    for (const [id, yes] of [1, 0, 3].entries()) {
      const two = logitsOfVotes({ ids: [0, 1], values: [yes, 4 - yes] }, 2, smoothing);
      assertClose(labels[id] ?? NaN, (two[0] ?? NaN) - (two[1] ?? NaN), 1e-5);
    }
  }
});

test('probabilities of labels stay as they are, and 0 and 1 become finite ones alike far away', () => {
  const logits = logitsOfLabelProbabilities({ ids: [1, 0, 2], values: [0.25, 1, 0] }, 3);
  assertClose(logits[1] ?? NaN, Math.log(1 / 3), 1e-6);
  assertClose(logits[0] ?? NaN, -(logits[2] ?? NaN), 1e-6);
  assert.ok((logits[0] ?? NaN) > 9 && Number.isFinite(logits[0]));
});

test('property: every answer becomes finite log-probabilities that add up to 1, best class first', () => {
  const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
    minLength: 2,
    maxLength: 50,
  });
  fc.assert(
    fc.property(shares, fc.double({ min: 0.001, max: 0.9, noNaN: true }), (raw, smoothing) => {
      const total = raw.reduce((sum, value) => sum + value, 0) || 1;
      const values = raw.map((value) => value / total);
      const ids = [...raw.keys()];
      const half = Math.ceil(ids.length / 2);
      const top = ids.toSorted((a, b) => (values[b] ?? 0) - (values[a] ?? 0)).slice(0, half);
      const best = {
        ids: top,
        values: top.map((id) => Math.log(Math.max(values[id] ?? 0, 1e-300))),
      };
      const answers = [
        logitsOfProbabilities({ ids, values }, ids.length),
        logitsOfVotes(
          { ids, values: raw.map((value) => Math.round(9 * value)) },
          ids.length,
          smoothing,
        ),
        logitsOfBest(best, ids.length),
      ];
      for (const logits of answers) {
        assert.ok(logits.every(Number.isFinite));
        assertClose(
          logits.reduce((sum, log) => sum + Math.exp(log), 0),
          1,
          1e-5,
        );
      }
      const highest = Math.max(...(answers[0] ?? []));
      assertClose(answers[0]?.[top[0] ?? -1] ?? NaN, highest, 1e-5);
    }),
  );
});
