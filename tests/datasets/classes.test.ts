import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClassesFileError, readClasses, writeClasses } from '#datasets/classes.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-classes');
const path = join(folder, 'classes.json');

test('class names come back in order', async () => {
  await writeClasses(folder, ['zwei', 'eins', '']);
  assert.deepEqual(await readClasses(folder), ['zwei', 'eins', '']);
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).formatVersion, 1);
});

test('another version, another content and no JSON are refused with the path', async () => {
  for (const content of ['{"formatVersion":2,"classNames":[]}', '{"formatVersion":1}', '{']) {
    writeFileSync(path, content);
    await assert.rejects(readClasses(folder), (error) => {
      assert.ok(error instanceof ClassesFileError);
      assert.ok(error.message.startsWith(path));
      return true;
    });
  }
});
