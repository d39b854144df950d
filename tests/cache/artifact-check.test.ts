import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileProblems } from '#cache/artifact-check.ts';
import { type Artifact, openPartial, sealArtifact } from '#cache/artifact-store.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

async function artifact(): Promise<Artifact> {
  const store = temporaryFolder();
  const [recipe, inputs] = [{ stage: 'a' }, { in: 'digest' }];
  const key = { instance: 'a', fingerprint: fingerprintOf({ recipe, inputs }) };
  const partial = await openPartial(store, key, ['out']);
  writeFileSync(join(partial, 'out', 'one'), 'first');
  writeFileSync(join(partial, 'out', 'two'), 'second');
  const times = { startedAt: '2026-01-01', finishedAt: '2026-01-01' };
  const described = { ...key, recipe, inputs, counts: {}, environment: {}, ...times };
  return sealArtifact(store, described, { out: {} });
}

async function problemsAfter(
  change: (folder: string) => void,
): Promise<readonly (readonly [file: string, problem: string])[]> {
  const { folder, manifest } = await artifact();
  change(folder);
  return (await fileProblems(folder, manifest)).map(({ file, problem }) => [file, problem]);
}

test('a sealed artifact has no problems', async () => {
  assert.deepEqual(await problemsAfter(() => undefined), []);
});

test('changed, short, lost and foreign files are named', async () => {
  const changed = await problemsAfter((folder) => writeFileSync(join(folder, 'out/one'), 'fIrst'));
  assert.equal(changed.length, 1);
  assert.match(changed.join(), /^out\/one,its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}$/);
  assert.deepEqual(
    await problemsAfter((folder) => {
      appendFileSync(join(folder, 'out/one'), '!');
      rmSync(join(folder, 'out/two'));
      writeFileSync(join(folder, 'out/part-9.parquet'), '');
    }),
    [
      ['out/one', 'has 6 bytes, not 5'],
      ['out/two', 'is gone'],
      ['out/part-9.parquet', 'is not in the manifest'],
    ],
  );
});

test('a manifest that was edited contradicts itself', async () => {
  const { folder, manifest } = await artifact();
  const edited = { ...manifest, recipe: { stage: 'b' } };
  assert.match(
    (await fileProblems(folder, edited)).map(({ problem }) => problem).join(),
    /fingerprint is not that of its recipe/,
  );
  const [one, two] = manifest.outputs['out']?.files ?? [];
  assert.ok(one && two);
  const sha256 = two.sha256;
  const files = [{ ...one, sha256 }, two];
  const digest = manifest.outputs['out']?.digest ?? '';
  const forged = { ...manifest, outputs: { out: { digest, files } } };
  const problems = (await fileProblems(folder, forged)).map(({ problem }) => problem).join();
  assert.match(problems, /digest of out is not that of its files/);
  assert.match(problems, /its SHA-256 is/);
  assert.ok(readFileSync(join(folder, 'manifest.json'), 'utf8').includes(one.sha256));
});
