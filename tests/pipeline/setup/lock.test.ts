import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { withLock } from '#pipeline/setup/lock.mjs';
import { repository } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
const silent = () => undefined;

test('two set-ups work one after the other, and the second says that it waits', async () => {
  const file = join(folder, 'turns');
  const steps: string[] = [];
  const said: string[] = [];
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let entered = () => {};
  const inside = new Promise<void>((resolve) => (entered = resolve));
  const first = withLock(file, silent, async () => {
    entered();
    await released;
    steps.push('first');
  });
  await inside;
  const told = (message: string) => {
    said.push(message);
    release();
  };
  const second = withLock(file, told, async () => steps.push('second'));
  await Promise.all([first, second]);
  assert.deepEqual(steps, ['first', 'second']);
  assert.deepEqual(said, [`waiting for another set-up (process ${process.pid})`]);
});

test('work that fails releases the lock', async () => {
  const file = join(folder, 'failing');
  const failing = withLock(file, silent, () => Promise.reject(new Error('no')));
  await assert.rejects(failing, /^Error: no$/);
  const answer = await withLock(file, assert.fail, () => Promise.resolve(7));
  assert.equal(answer, 7);
});

test('a killed set-up leaves no lock', async () => {
  const file = join(folder, 'killed');
  const code = `import { withLock } from '#pipeline/setup/lock.mjs';
    await withLock(${JSON.stringify(file)}, () => {}, async () => {
      console.log('inside');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: repository });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(await withLock(file, assert.fail, () => Promise.resolve('free')), 'free');
});
