import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { atomicFile, writeFileAtomic } from '#cache/atomic-file.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('a write that fails leaves the old file and no temporary one', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'deep', 'file.json');
  await writeFileAtomic(path, 'old');
  const failing = atomicFile(path, (temporary) => {
    writeFileSync(temporary, 'half');
    return Promise.reject(new Error('disk full'));
  });
  await assert.rejects(failing, /disk full/);
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(join(folder, 'deep')), ['file.json']);
});
