import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sliceGroups } from '#datasets/metrics/slice-groups.ts';

test('rows are parted by value, largest part first, those without a value last', () => {
  assert.deepEqual(sliceGroups('language', ['de', null, 'en', 'en', '', 'de', 'en']), [
    { value: 'en', rows: [2, 3, 6] },
    { value: 'de', rows: [0, 5] },
    { value: '', rows: [4] },
    { value: '(none)', rows: [1] },
  ]);
});

test('more than twenty numbers are cut into quarters of the rows', () => {
  const ages = Array.from({ length: 40 }, (_, row) => String(row + 0.5));
  const groups = sliceGroups('age', [...ages.toReversed(), null]);
  assert.deepEqual(
    groups.map(({ value, rows }) => [value, rows.length]),
    [
      ['0.5 to 9.5', 10],
      ['10.5 to 19.5', 10],
      ['20.5 to 29.5', 10],
      ['30.5 to 39.5', 10],
      ['(none)', 1],
    ],
  );
  assert.deepEqual(groups[0]?.rows[0], 30);
});

test('twenty texts are parts, more are refused, and so is an empty column', () => {
  const texts = Array.from({ length: 21 }, (_, row) => `user ${row}`);
  assert.equal(sliceGroups('user', texts.slice(1)).length, 20);
  assert.throws(
    () => sliceGroups('user', texts),
    /"user" has 21 different values, such as "user 0"/,
  );
  assert.throws(() => sliceGroups('lang', [null, null]), /"lang" has no value in any test row/);
});
