import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { extractZip } from '#pipeline/setup/zip.mjs';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { type ZipEntry, zipOf } from './small-zip.ts';

const folder = temporaryFolder();

function zipFile(entries: readonly ZipEntry[]): { file: string; into: string } {
  const into = mkdtempSync(join(folder, 'out-'));
  const file = `${into}.whl`;
  writeFileSync(file, zipOf(entries));
  return { file, into };
}

test('stored and deflated files come out as they went in, others stay inside', async () => {
  const { file, into } = zipFile([
    { name: 'a/one.so', content: 'one'.repeat(1000) },
    { name: 'a/two.so.2', content: 'two', stored: true },
    { name: 'a/empty.so', content: '', stored: true },
    { name: 'b/other.txt', content: 'no' },
  ]);
  const taken = await extractZip(file, { take: /\.so[.\d]*$/, into });
  assert.deepEqual(taken, { files: 3, bytes: 3003 });
  assert.equal(readFileSync(join(into, 'a/one.so'), 'utf8'), 'one'.repeat(1000));
  assert.equal(readFileSync(join(into, 'a/two.so.2'), 'utf8'), 'two');
  assert.equal(readFileSync(join(into, 'a/empty.so'), 'utf8'), '');
  assert.deepEqual(readdirSync(into), ['a']);
});

test('property: any bytes survive the way through the zip file', async () => {
  const bytes = fc.uint8Array({ maxLength: 3000 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.boolean(), async (content, stored) => {
      const { file, into } = zipFile([{ name: 'x', content, stored }]);
      await extractZip(file, { take: /^x$/, into });
      assert.deepEqual(new Uint8Array(readFileSync(join(into, 'x'))), content);
    }),
    { numRuns: 20 },
  );
});

test('a name that leads out of the folder is refused', async () => {
  const { file, into } = zipFile([{ name: '../evil.so', content: 'x' }]);
  await assert.rejects(extractZip(file, { take: /so$/, into }), /leads out of the folder/);
  assert.ok(!existsSync(join(folder, 'evil.so')));
});

test('a file of another size than the directory says leaves nothing under its name', async () => {
  const { file, into } = zipFile([{ name: 'x.so', content: 'abc', claimedSize: 4 }]);
  await assert.rejects(extractZip(file, { take: /so$/, into }), /damaged at x\.so/);
  assert.ok(!existsSync(join(into, 'x.so')));
});

test('what is no zip file, and a zip file without the files, are refused', async () => {
  const { file, into } = zipFile([{ name: 'x.so', content: 'abc' }]);
  await assert.rejects(extractZip(file, { take: /\.dll$/, into }), /holds no file that matches/);
  writeFileSync(file, 'PK, but not really');
  await assert.rejects(extractZip(file, { take: /so$/, into }), /is not a zip file/);
});
