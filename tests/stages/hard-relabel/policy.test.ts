import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillUnlabelled } from '#stages/hard-relabel/policy.ts';

const agreed = { teacherId: 1, teacherConfidence: 0.95, studentId: 1, studentConfidence: 0.92 };
const options = { hasGold: false, minConfidence: 0.9 };

test('agreed and sure rows are filled, also exactly at the threshold', () => {
  assert.equal(fillUnlabelled(agreed, options), 'filled');
  assert.equal(fillUnlabelled(agreed, { ...options, minConfidence: 0.92 }), 'filled');
});

test('gold is kept whatever the models say', () => {
  assert.equal(fillUnlabelled(agreed, { ...options, hasGold: true }), 'kept-gold');
});

test('disagreement is not filled however sure both are', () => {
  const opinions = { ...agreed, studentId: 2, teacherConfidence: 1, studentConfidence: 1 };
  assert.equal(fillUnlabelled(opinions, options), 'disagreed');
});

test('the less sure of the two decides', () => {
  assert.equal(fillUnlabelled({ ...agreed, studentConfidence: 0.89 }, options), 'below-confidence');
  assert.equal(fillUnlabelled({ ...agreed, teacherConfidence: 0.89 }, options), 'below-confidence');
});
