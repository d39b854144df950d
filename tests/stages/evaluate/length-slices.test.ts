import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lengthSlices } from '#stages/evaluate/length-slices.ts';

test('rows are quartered by length, and rows of one length stay together', () => {
  const lengths = [3, 3, 3, 5, 5, 9, 12, 12];
  assert.deepEqual(lengthSlices(lengths, [1, 1, 0, 1, 1, 0, 0, 1]), [
    { of: 'tokens', from: 3, to: 3, rows: 3, accuracy: 2 / 3 },
    { of: 'tokens', from: 5, to: 5, rows: 2, accuracy: 1 },
    { of: 'tokens', from: 9, to: 9, rows: 1, accuracy: 0 },
    { of: 'tokens', from: 12, to: 12, rows: 2, accuracy: 0.5 },
  ]);
  assert.deepEqual(lengthSlices([4, 4], [1, 0]), [
    { of: 'tokens', from: 4, to: 4, rows: 2, accuracy: 0.5 },
  ]);
});
