import assert from 'node:assert/strict';
import { mkdirSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { placeCopy, placeLink, readJson } from '#pipeline/setup/places.mjs';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();

test('a link takes the place of a folder, of another link, and of nothing', () => {
  const at = join(folder, 'deps/lib');
  placeLink('/first', at);
  assert.equal(readlinkSync(at), '/first');
  placeLink('/second', at);
  placeLink('/second', at);
  assert.equal(readlinkSync(at), '/second');
  mkdirSync(join(folder, 'full/folder'), { recursive: true });
  placeLink('/third', join(folder, 'full'));
  assert.equal(readlinkSync(join(folder, 'full')), '/third');
});

test('a process that has the old library open keeps its bytes', () => {
  writeFileSync(join(folder, 'new.node'), 'new');
  writeFileSync(join(folder, 'addon.node'), 'old');
  const opened = openSync(join(folder, 'addon.node'), 'r');
  placeCopy(join(folder, 'new.node'), join(folder, 'addon.node'));
  assert.equal(readFileSync(opened, 'utf8'), 'old');
  assert.equal(readFileSync(join(folder, 'addon.node'), 'utf8'), 'new');
});

test('a file that is no JSON reads as absent', () => {
  writeFileSync(join(folder, 'torn.json'), '{"a": ');
  assert.equal(readJson(join(folder, 'torn.json')), undefined);
});
