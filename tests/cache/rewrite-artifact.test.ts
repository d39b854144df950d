import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Artifact, findArtifact, openPartial, sealArtifact } from '#cache/artifact-store.ts';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { rewriteArtifact } from '#cache/rewrite-artifact.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

async function sealed(store: string): Promise<Artifact> {
  const [recipe, inputs] = [{ stage: 's' }, { corpus: 'old' }];
  const key = { instance: 'one', fingerprint: fingerprintOf({ recipe, inputs }) };
  const partial = await openPartial(store, key, ['rows', 'empty']);
  mkdirSync(join(partial, 'rows', 'deep'));
  writeFileSync(join(partial, 'rows', 'deep', 'a.txt'), 'kept');
  writeFileSync(join(partial, 'rows', 'b.txt'), 'secret');
  writeFileSync(join(partial, 'rows', 'log.txt'), 'time');
  const at = '2026-01-01T00:00:00.000Z';
  const made = { counts: {}, environment: {}, startedAt: at, finishedAt: at };
  const outputs = { rows: { volatile: ['log.txt'] }, empty: {} };
  return sealArtifact(store, { ...key, recipe, inputs, ...made }, outputs);
}

test('a rewritten artifact is new and whole, and the old one is as it was', async () => {
  const store = temporaryFolder();
  const old = await sealed(store);
  const before = storeSnapshot(store);
  const rewriting = {
    inputs: { corpus: 'new' },
    rewrite: (folder: string) => writeFileAtomic(join(folder, 'rows', 'b.txt'), 'gone'),
  };
  const rewritten = await rewriteArtifact(store, old, rewriting);
  const after = storeSnapshot(store);
  assert.deepEqual({ ...after, ...before }, after, 'the old one is untouched');
  assert.equal(readFileSync(join(old.folder, 'rows', 'b.txt'), 'utf8'), 'secret');
  assert.equal(readFileSync(join(rewritten.folder, 'rows', 'b.txt'), 'utf8'), 'gone');
  const { manifest } = rewritten;
  assert.deepEqual(manifest.inputs, { corpus: 'new' });
  assert.equal(manifest.finishedAt, old.manifest.finishedAt);
  assert.notEqual(manifest.outputs['rows']?.digest, old.manifest.outputs['rows']?.digest);
  assert.equal(manifest.outputs['empty']?.digest, old.manifest.outputs['empty']?.digest);
  assert.equal(
    manifest.outputs['rows']?.files.find(({ path }) => path === 'log.txt')?.volatile,
    true,
  );
  assert.ok((await findArtifact(store, manifest)) !== undefined);
  const again = await rewriteArtifact(store, old, {
    ...rewriting,
    rewrite: () => Promise.reject(new Error('is done already')),
  });
  assert.equal(again.folder, rewritten.folder);
});
