import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '#pipeline/setup/command.mjs';
import { readState } from '#pipeline/setup/state.mjs';
import { repository } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
const setup = join(repository, 'pipeline/setup/setup.mjs');
const stateFile = join(repository, 'node_modules/.native-setup.json');
const skip = readState(repository)?.good ? false : 'needs a finished set-up';

test('a second set-up changes nothing and says so in one line', { skip }, async () => {
  const before = [readFileSync(stateFile, 'utf8'), statSync(stateFile).mtimeMs];
  const { status, stdout, stderr } = await runCommand(process.execPath, [setup]);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^set-up .* in place: TensorFlow .*\n$/);
  assert.deepEqual([readFileSync(stateFile, 'utf8'), statSync(stateFile).mtimeMs], before);
});

test('an unknown device ends with exit code 2 and the way out', async () => {
  const { status, stderr } = await runCommand(process.execPath, [setup, '--device', 'tpu']);
  assert.equal(status, 2);
  assert.match(stderr, /error: --device tpu is not known\n {2}fix: use one of: auto, cpu, gpu/);
});

test('without Python it says what to install, and how much it would have fetched', {
  skip,
}, async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const command of ['flock', 'g++'].map((name) => `/usr/bin/${name}`).filter(existsSync)) {
    symlinkSync(command, join(bin, command.slice('/usr/bin/'.length)));
  }
  const cache = join(folder, 'cache');
  const { status, stderr } = await runCommand(process.execPath, [setup, '--cache', cache], {
    env: { PATH: bin, PYTHON: '' },
  });
  assert.equal(status, 1, stderr);
  assert.match(stderr, /native libraries: .*B to fetch, .*B to keep in /);
  assert.match(stderr, /no python3 with pip .*\n {2}fix: install them .*--wheels DIR/);
  assert.deepEqual(readdirSync(cache), ['lock']);
  assert.ok(readState(repository)?.good, 'what was in place stays in place');
});
