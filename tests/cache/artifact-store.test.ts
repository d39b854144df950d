import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  artifactFolder,
  findArtifact,
  instanceFolder,
  listArtifacts,
  openPartial,
  outputFolder,
  partialFolder,
  sealArtifact,
} from '#cache/artifact-store.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { CorruptArtifactError, ManifestVersionError } from '#cache/manifest.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const outputs = { rows: {}, log: { volatile: ['metrics.jsonl'] } };

async function make(store: string, content: string, logged: string) {
  const key = { instance: 'soft-label', fingerprint: fingerprintOf(content) };
  const partial = await openPartial(store, key, Object.keys(outputs));
  writeFileSync(join(outputFolder(partial, 'rows'), 'part-00000.parquet'), content);
  writeFileSync(join(outputFolder(partial, 'log'), 'metrics.jsonl'), logged);
  writeFileSync(join(outputFolder(partial, 'rows'), 'part-00001.parquet.tmp-12ab'), 'torn');
  writeFileSync(join(partial, 'manifest.json.tmp-34cd'), '{');
  const rest = {
    recipe: { stage: 'soft-label' },
    inputs: {},
    counts: { rows: 1 },
    environment: {},
  };
  const times = { startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:01Z' };
  return sealArtifact(store, { ...key, ...rest, ...times }, outputs);
}

test('a sealed artifact is found again, with its files checksummed and nothing unfinished', async () => {
  const store = temporaryFolder();
  const sealed = await make(store, 'rows', 'log');
  const found = await findArtifact(store, sealed.manifest);
  assert.deepEqual(found, sealed);
  assert.deepEqual(
    found?.manifest.outputs['rows']?.files.map(({ path, bytes }) => [path, bytes]),
    [['part-00000.parquet', 4]],
  );
  assert.ok(!existsSync(partialFolder(store, sealed.manifest)));
  assert.equal((await listArtifacts(store, 'soft-label')).length, 1);
  assert.ok(!existsSync(join(sealed.folder, 'manifest.json.tmp-34cd')));
});

test('volatile files are checksummed but in no digest', async () => {
  const [one, two] = [
    await make(temporaryFolder(), 'rows', 'a'),
    await make(temporaryFolder(), 'rows', 'b'),
  ];
  assert.equal(one.manifest.outputs['log']?.digest, two.manifest.outputs['log']?.digest);
  assert.notDeepEqual(one.manifest.outputs['log']?.files, two.manifest.outputs['log']?.files);
});

test('an artifact whose file is short or gone is an error that names the file', async () => {
  const store = temporaryFolder();
  const sealed = await make(store, 'rows', 'log');
  const file = join(outputFolder(sealed.folder, 'rows'), 'part-00000.parquet');
  truncateSync(file, 2);
  await assert.rejects(findArtifact(store, sealed.manifest), (error: Error) => {
    assert.ok(error instanceof CorruptArtifactError);
    assert.match(error.message, /part-00000\.parquet: has 2 bytes, not 4/);
    return true;
  });
  rmSync(file);
  await assert.rejects(findArtifact(store, sealed.manifest), /part-00000\.parquet: is gone/);
});

test('a manifest of another version is refused with both versions', async () => {
  const store = temporaryFolder();
  const sealed = await make(store, 'rows', 'log');
  const path = join(sealed.folder, 'manifest.json');
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace('"schemaVersion": 1', '"schemaVersion": 9'),
  );
  await assert.rejects(findArtifact(store, sealed.manifest), ManifestVersionError);
});

test('a torn manifest and one whose paths leave the artifact are refused', async () => {
  const store = temporaryFolder();
  const sealed = await make(store, 'rows', 'log');
  const path = join(sealed.folder, 'manifest.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.slice(0, 100));
  await assert.rejects(findArtifact(store, sealed.manifest), CorruptArtifactError);
  writeFileSync(path, text.replace('part-00000.parquet', '../../outside'));
  await assert.rejects(findArtifact(store, sealed.manifest), /path leaves the artifact/);
});

test('names that could leave the store are refused', () => {
  for (const name of ['../x', 'a/b', '', 'a:b:c', 'a:', '__proto__:x y', 'a\\b', '.hidden']) {
    assert.throws(() => instanceFolder(name), /is no name/, name);
  }
  assert.equal(instanceFolder('train-student:distilled'), 'train-student@distilled');
  assert.match(artifactFolder('s', { instance: 'report', fingerprint: 'f'.repeat(64) }), /f{16}$/);
});
