import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeOccupant, storeContents } from '#cache/store-contents.ts';
import { sealed } from '#tests/support/sealed.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('an empty store holds nothing', async () => {
  const contents = await storeContents(join(temporaryFolder(), 'not-there'));
  assert.deepEqual(contents, { artifacts: [], unreadable: [], partials: [], temporaries: [] });
});

test('artifacts, broken ones, partial folders and unfinished files are told apart', async () => {
  const store = temporaryFolder();
  const artifact = await sealed(store, 'prepare', '12345');
  const broken = join(store, 'artifacts', 'prepare', 'broken');
  mkdirSync(broken);
  writeFileSync(join(broken, 'manifest.json'), '{');
  mkdirSync(join(store, 'partial', 'soft-label-1'));
  writeFileSync(join(store, 'partial', 'soft-label-1', 'part'), '123');
  writeFileSync(join(store, 'last-run.json.tmp-12ab'), '1');
  const contents = await storeContents(store);
  assert.deepEqual(
    contents.artifacts.map(({ folder }) => folder),
    [artifact.folder],
  );
  assert.deepEqual(
    [...contents.unreadable, ...contents.partials, ...contents.temporaries].map(
      ({ path, bytes }) => [path.slice(store.length + 1), bytes],
    ),
    [
      ['artifacts/prepare/broken', 1],
      ['partial/soft-label-1', 3],
      ['last-run.json.tmp-12ab', 1],
    ],
  );
});

test('a removed artifact leaves nothing behind', async () => {
  const store = temporaryFolder();
  await sealed(store, 'prepare', '12345');
  const { artifacts } = await storeContents(store);
  for (const one of artifacts) await removeOccupant(store, one);
  assert.ok(!existsSync(artifacts[0]?.folder ?? store));
  assert.deepEqual(readdirSync(join(store, 'partial')), []);
});
