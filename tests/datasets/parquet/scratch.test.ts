import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { withScratch } from '#datasets/parquet/scratch.ts';

test('no two users have the same memory at the same time, and each has as much as it asked for', async () => {
  let wrong = 0;
  const use = (size: number, mark: number) =>
    withScratch(size, async (bytes) => {
      assert.equal(bytes.length, size);
      bytes.fill(mark);
      await nextTurn();
      if (!bytes.every((byte) => byte === mark)) wrong += 1;
    });
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, user) => use(1 + user * 90_000, user)));
  }
  assert.equal(wrong, 0);
});

test('memory goes round, also after a failure', async () => {
  const seen = new Set<ArrayBufferLike>();
  for (let round = 0; round < 20; round++) {
    const lent = withScratch(2 ** 20, async ({ buffer }) => {
      seen.add(buffer);
      if (round % 2 === 0) throw new Error('torn');
    });
    await (round % 2 === 0 ? assert.rejects(lent, /torn/) : lent);
  }
  assert.ok(seen.size <= 8, `${seen.size} pieces`);
});
