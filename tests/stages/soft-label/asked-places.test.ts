import assert from 'node:assert/strict';
import { test } from 'node:test';
import { middlePlace, wordsAround } from '#stages/soft-label/asked-places.ts';

const mask = { maskId: 9, specialIds: new Set([1, 2]) };
const tokenizer = {
  decode: async (ids: ArrayLike<number>) =>
    Array.from(ids, (id) => (mask.specialIds.has(id) ? '' : `w${id}`))
      .join(' ')
      .trim(),
};

test('a causal language model is asked what follows the middle of a text', async () => {
  const place = middlePlace([3, 4, 5, 6, 7], undefined);
  assert.deepEqual(place, { tokenIds: Int32Array.of(3, 4, 5, 6, 7), at: 2, goldId: 6 });
  assert.equal(await wordsAround(place, undefined, tokenizer), 'w3 w4 w5 …');
  assert.equal(middlePlace([3], undefined), undefined);
});

test('a masked one is asked what hides there, and no special token is hidden', async () => {
  const place = middlePlace([1, 4, 5, 6, 2], mask);
  assert.deepEqual(place, { tokenIds: Int32Array.of(1, 4, 9, 6, 2), at: 2, goldId: 5 });
  assert.equal(await wordsAround(place, mask, tokenizer), 'w4 ___ w6');
  assert.equal(middlePlace([1, 2], mask), undefined);
});

test('of a long text the words before the place are shown', async () => {
  const ids = Array.from({ length: 100 }, () => 5);
  const place = middlePlace(ids, undefined);
  assert.ok(place !== undefined);
  const shown = await wordsAround(place, undefined, tokenizer);
  assert.match(shown, /^….*w5 w5 …$/);
  assert.ok(shown.length <= 42, shown);
});
