import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findTestFiles } from '#pipeline/setup/test-files.mjs';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();

function projectWith(files: readonly string[]): string {
  const project = mkdtempSync(join(folder, 'project-'));
  for (const file of ['tests/support/x.ts', ...files]) {
    mkdirSync(join(project, file, '..'), { recursive: true });
    writeFileSync(join(project, file), '');
  }
  return project;
}

test('all tests are found but those that take long or need a GPU or Python', () => {
  const project = projectWith([
    'tests/b.test.ts',
    'tests/a/c.test.ts',
    'tests/crash/k.test.ts',
    'tests/gpu/g.test.ts',
    'tests/interop/p.test.ts',
    'tests/transformers/t.test.ts',
  ]);
  assert.deepEqual(findTestFiles([], project), ['tests/a/c.test.ts', 'tests/b.test.ts']);
  assert.deepEqual(findTestFiles(['tests/gpu'], project), ['tests/gpu/g.test.ts']);
  assert.deepEqual(findTestFiles(['tests/a', 'tests/b.test.ts', 'tests/a/c.test.ts'], project), [
    'tests/a/c.test.ts',
    'tests/b.test.ts',
  ]);
});

test('an empty list is a failure, not a success without tests', () => {
  assert.throws(() => findTestFiles([], projectWith([])), /no test file was found/);
  assert.throws(() => findTestFiles(['tests/gone'], projectWith([])), /tests\/gone does not exist/);
});
