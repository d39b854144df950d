import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inPool } from '#pipeline/run/in-pool.ts';

test('a pool works on as many items at a time as it may, and on each once', async () => {
  let [running, most] = [0, 0];
  const done: number[] = [];
  await inPool([1, 2, 3, 4, 5], 2, async (item) => {
    running++;
    most = Math.max(most, running);
    for (let turn = 0; turn < item; turn++) await nextTurn();
    running--;
    done.push(item);
  });
  assert.equal(most, 2);
  assert.deepEqual(
    done.sort((a, b) => a - b),
    [1, 2, 3, 4, 5],
  );
});

test('after a failure nothing new begins, and what has begun ends before it is thrown', async () => {
  const events: string[] = [];
  const run = inPool([1, 2, 3], 2, async (item) => {
    events.push(`begin ${item}`);
    await nextTurn();
    if (item === 1) throw new Error('broken');
    await nextTurn();
    events.push(`end ${item}`);
  });
  await assert.rejects(run, /broken/);
  assert.deepEqual(events, ['begin 1', 'begin 2', 'end 2']);
});
