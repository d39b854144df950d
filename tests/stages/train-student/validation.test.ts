import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubtAboutTeacher, type ValidationSet } from '#stages/train-student/validation.ts';

function setOf(goldIds: readonly number[], teacherIds: readonly number[]): ValidationSet {
  const offsets = Int32Array.from({ length: goldIds.length + 1 }, (_, row) => row);
  const tokens = {
    exampleIds: goldIds.map((_, row) => `${row}`),
    offsets,
    tokenIds: new Int32Array(goldIds.length),
    typeIds: null,
    truncated: new Uint8Array(goldIds.length),
    tokenizerDigest: '',
    maxLength: 8,
  };
  return { tokens, goldIds: Int32Array.from(goldIds), teacherIds: Int32Array.from(teacherIds) };
}

test('a teacher whose head was never trained is told: it does not beat the most frequent class', () => {
  const gold = [0, 0, 0, 1, 1, 2, 2, 3, -1];
  const untrained = [2, 0, 3, 1, 0, 0, 1, 0, 0];
  const doubt = doubtAboutTeacher(setOf(gold, untrained)) ?? '';
  assert.match(doubt, /right on 25\.0 % .* most frequent class each time on 37\.5 %/);
});

test('a teacher that knows the classes is not doubted', () => {
  assert.equal(doubtAboutTeacher(setOf([0, 0, 0, 1, 1, 2], [0, 0, 0, 1, 1, 1])), null);
});

test('without labelled rows nothing is said', () => {
  assert.equal(doubtAboutTeacher(setOf([-1, -1], [0, 1])), null);
});
