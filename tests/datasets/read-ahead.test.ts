import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readAhead } from '#datasets/read-ahead.ts';

test('items come in the order of their keys, and the next is begun before one is given out', async () => {
  const begun: number[] = [];
  const read = async (key: number) => {
    begun.push(key);
    // The later, the faster.
    for (let turn = key; turn < 4; turn++) await nextTurn();
    return key * 10;
  };
  const seen: [item: number, begun: number][] = [];
  for await (const item of readAhead([0, 1, 2, 3], read)) seen.push([item, begun.length]);
  assert.deepEqual(seen, [
    [0, 2],
    [10, 3],
    [20, 4],
    [30, 4],
  ]);
  assert.deepEqual(begun, [0, 1, 2, 3]);
});

test('a failure is thrown when its turn comes, and what was read before it is not lost', async () => {
  const read = async (key: number) => {
    if (key === 1) throw new Error('torn');
    return key;
  };
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const item of readAhead([0, 1, 2], read)) {
      seen.push(item);
      await nextTurn();
    }
  }, /torn/);
  assert.deepEqual(seen, [0]);
});

test('whoever stops early can close the file: nothing is being read any more', async () => {
  let inFlight = 0;
  const read = async (key: number) => {
    inFlight += 1;
    await nextTurn();
    inFlight -= 1;
    return key;
  };
  for await (const item of readAhead([0, 1, 2, 3], read)) {
    assert.equal(item, 0);
    break;
  }
  assert.equal(inFlight, 0);
});
