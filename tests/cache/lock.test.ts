import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockStore, StoreLockedError } from '#cache/lock.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('a second lock is refused and names the holder; after release it is free', async () => {
  const path = join(temporaryFolder(), 'lock');
  const first = await lockStore(path, { waitMs: 0 });
  await assert.rejects(lockStore(path, { waitMs: 0 }), (error: Error) => {
    assert.ok(error instanceof StoreLockedError);
    assert.match(error.message, new RegExp(`process ${process.pid} on .* since 20`));
    return true;
  });
  first.release();
  (await lockStore(path, { waitMs: 0 })).release();
});

test('a child that inherits the descriptor keeps the lock until it ends', async () => {
  const path = join(temporaryFolder(), 'lock');
  const lock = await lockStore(path, { waitMs: 0 });
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore', lock.fd],
  });
  await once(child, 'spawn');
  lock.release();
  await assert.rejects(lockStore(path, { waitMs: 0 }), StoreLockedError);
  child.stdin?.end();
  await once(child, 'exit');
  (await lockStore(path, { waitMs: 0 })).release();
});

test('a waiter is told for whom it waits and goes on when the holder is done', async () => {
  const path = join(temporaryFolder(), 'lock');
  const first = await lockStore(path, { waitMs: 0 });
  let told: number | undefined;
  const second = lockStore(path, {
    waitMs: 10_000,
    onWait: (holder) => {
      told = holder?.pid;
      first.release();
    },
  });
  (await second).release();
  assert.equal(told, process.pid);
});
