import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeAbandonedDownloads } from '#pipeline/setup/download.mjs';
import { checkDiskSpace, installSite, missingWheels, siteFolder } from '#pipeline/setup/site.mjs';
import type { Wheel, WheelSet } from '#pipeline/setup/wheels.mjs';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { zipOf } from './small-zip.ts';

const folder = temporaryFolder();

/** A folder of two small wheels, the set that pins them, and an empty cache. */
function smallSet(): { cache: string; wheelFolder: string; set: WheelSet } {
  const cache = mkdtempSync(join(folder, 'cache-'));
  const wheelFolder = mkdtempSync(join(folder, 'wheels-'));
  const wheels = ['small-lib', 'other.lib'].map((name): Wheel => {
    const file = `${name.replaceAll(/[-.]/g, '_')}-1.0-cp311-cp311-manylinux_2_17_x86_64.whl`;
    const bytes = zipOf([{ name: `lib/${name}.so`, content: name }]);
    writeFileSync(join(wheelFolder, file), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { name, version: '1.0', sha256, fetchMb: 1, keepMb: 1, take: /\.so$/ };
  });
  return { cache, wheelFolder, set: { name: 'small', title: 'a small set', wheels } };
}

test('every wheel of a set is unpacked into one folder, and local wheels stay', async () => {
  const { cache, wheelFolder, set } = smallSet();
  const site = await installSite(set, { cache, wheelFolder });
  assert.equal(site, siteFolder(cache, set));
  assert.deepEqual(readdirSync(join(site, 'lib')).sort(), ['other.lib.so', 'small-lib.so']);
  assert.equal(readdirSync(wheelFolder).length, 2);
});

test('a second time nothing is fetched or written', async () => {
  const { cache, wheelFolder, set } = smallSet();
  const site = await installSite(set, { cache, wheelFolder });
  rmSync(wheelFolder, { recursive: true });
  writeFileSync(join(site, 'lib/small-lib.so'), 'left alone');
  await installSite(set, { cache, wheelFolder });
  assert.equal(readFileSync(join(site, 'lib/small-lib.so'), 'utf8'), 'left alone');
});

test('a wheel of another digest is refused, and the next run goes on behind the good ones', async () => {
  const { cache, wheelFolder, set } = smallSet();
  const second = readdirSync(wheelFolder).find((name) => name.startsWith('other')) ?? '';
  const bytes = readFileSync(join(wheelFolder, second));
  writeFileSync(join(wheelFolder, second), Buffer.concat([bytes, Buffer.from([0])]));
  await assert.rejects(
    installSite(set, { cache, wheelFolder }),
    /other_lib.*: sha256 is [0-9a-f]{64}, expected [0-9a-f]{64}/,
  );
  assert.deepEqual(readdirSync(join(siteFolder(cache, set), 'lib')), ['small-lib.so']);
  assert.deepEqual(
    missingWheels(cache, set).map(({ name }) => name),
    ['other.lib'],
  );
  writeFileSync(join(wheelFolder, second), bytes);
  await installSite(set, { cache, wheelFolder });
  assert.deepEqual(missingWheels(cache, set), []);
});

test('another pin is another folder', () => {
  const { cache, set } = smallSet();
  const wheels = set.wheels.map((wheel) => ({ ...wheel, sha256: '0'.repeat(64) }));
  assert.notEqual(siteFolder(cache, { ...set, wheels }), siteFolder(cache, set));
});

test('what an interrupted download left is removed', () => {
  const cache = mkdtempSync(join(folder, 'cache-'));
  mkdirSync(join(cache, 'download-abc'));
  mkdirSync(join(cache, 'small-123'));
  removeAbandonedDownloads(cache);
  assert.deepEqual(readdirSync(cache), ['small-123']);
});

test('a disk without room is told before anything is fetched', () => {
  const { cache, set } = smallSet();
  const wheels = set.wheels.map((wheel) => ({ ...wheel, keepMb: 1e12 }));
  assert.throws(() => checkDiskSpace(cache, wheels), /free, .* are needed/);
  assert.ok(!existsSync(siteFolder(cache, set)));
});
