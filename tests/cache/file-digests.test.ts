import assert from 'node:assert/strict';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '#cache/digest.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** Puts a lie into the memory, to see whether it is believed. */
async function liedTo(memory: string, file: string, rehash = false): Promise<boolean> {
  const kept = JSON.parse(readFileSync(memory, 'utf8')) as {
    files: Record<string, { sha256: string }>;
  };
  for (const entry of Object.values(kept.files)) entry.sha256 = 'lie';
  writeFileSync(memory, JSON.stringify(kept));
  return (await (await openFileDigests(memory, { rehash })).digest(file)) === 'lie';
}

test('a file hashed within 2 s of its change is not remembered', async () => {
  const folder = temporaryFolder();
  const [memory, file] = [join(folder, 'digests.json'), join(folder, 'corpus.csv')];
  writeFileSync(file, 'text\n');
  const digests = await openFileDigests(memory);
  assert.equal(await digests.digest(file), digestOf('text\n'));
  await digests.save();
  assert.throws(() => readFileSync(memory), /ENOENT/);
});

test('an unchanged file is not read again, a touched one and --rehash are', async (context) => {
  const folder = temporaryFolder();
  const [memory, file] = [join(folder, 'digests.json'), join(folder, 'corpus.csv')];
  writeFileSync(file, 'text\n');
  const later = Date.now() + 10_000;
  context.mock.timers.enable({ apis: ['Date'], now: later });
  const digests = await openFileDigests(memory);
  await digests.digest(file);
  await digests.save();
  context.mock.timers.reset();
  assert.equal(await liedTo(memory, file), true);
  assert.equal(await liedTo(memory, file, true), false);
  utimesSync(file, new Date(1), new Date(1));
  assert.equal(await liedTo(memory, file), false);
});

test('a damaged memory is no memory', async () => {
  const folder = temporaryFolder();
  const [memory, file] = [join(folder, 'digests.json'), join(folder, 'corpus.csv')];
  writeFileSync(file, 'text\n');
  writeFileSync(memory, '{"schemaVersion": 1, "files": {');
  assert.equal(await (await openFileDigests(memory)).digest(file), digestOf('text\n'));
});
