import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { classThresholds, labelIssue } from '#stages/numerics/confident-learning.ts';
import { goldenFolder } from '#tests/support/paths.ts';

test('a threshold is the mean probability that rows of a class give it', () => {
  const thresholds = classThresholds([0, 0, 2], [0.5, 0.75, 0.3], 4);
  assert.deepEqual([...thresholds], [0.625, Infinity, 0.3, Infinity]);
});

test('of the classes that reach their threshold the most probable one counts', () => {
  // Class 1 is more probable than class 2, but its rows are usually surer than this.
  const thresholds = [0.6, 0.9, 0.2];
  assert.deepEqual(labelIssue([0.1, 0.6, 0.3], 0, thresholds), {
    suggestedId: 2,
    margin: 0.1 - 0.3,
  });
  assert.equal(labelIssue([0.7, 0.1, 0.2], 0, thresholds), null);
  assert.equal(labelIssue([0.5, 0.5, 0], 0, thresholds), null);
});

test('cleanlab doubts the same labels in the same order', () => {
  const golden: {
    gold: number[];
    probs: number[][];
    issues: number[];
    scores: number[];
  } = JSON.parse(readFileSync(join(goldenFolder, 'confident-learning.json'), 'utf8'));
  const { gold, probs } = golden;
  const own = probs.map((row, index) => row[gold[index] ?? 0] ?? 0);
  const thresholds = classThresholds(gold, own, 4);
  const found = probs
    .flatMap((row, index) => {
      const issue = labelIssue(row, gold[index] ?? 0, thresholds);
      return issue === null ? [] : [{ index, margin: issue.margin }];
    })
    .sort((a, b) => a.margin - b.margin);
  assert.deepEqual(
    found.map(({ index }) => index),
    golden.issues,
  );
  for (const [place, { margin }] of found.entries()) {
    assert.ok(Math.abs((margin + 1) / 2 - (golden.scores[place] ?? 0)) < 1e-6);
  }
});

test('property: an issue never suggests the given label, and its margin is within -1 and 1', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const row = fc.array(share, { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(row, row, fc.nat(3), (probs, thresholds, goldId) => {
      const issue = labelIssue(probs, goldId, thresholds);
      if (issue === null) return;
      assert.notEqual(issue.suggestedId, goldId);
      assert.ok(issue.margin >= -1 && issue.margin <= 1);
      assert.ok((probs[issue.suggestedId] ?? 0) >= (thresholds[issue.suggestedId] ?? 2));
    }),
  );
});
