import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exampleIdOf, leakKeyOf } from '#datasets/example-id.ts';
import { addTombstones, isForgotten, readTombstones } from '#datasets/tombstones.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

function keyOf(text: string) {
  return { exampleId: exampleIdOf(text), leakKey: leakKeyOf(text) };
}

test('a text and its near-equal forms stay forgotten, others do not', async () => {
  const path = join(temporaryFolder(), 'tombstones.json');
  await addTombstones(path, [keyOf('Where is my card?')]);
  const tombstones = await readTombstones(path);
  assert.equal(isForgotten(tombstones, keyOf('Where is my card?')), true);
  assert.equal(isForgotten(tombstones, keyOf('where is MY card')), true);
  assert.equal(isForgotten(tombstones, keyOf('Where is my card now?')), false);
});

test('without its text an example is known by its id alone', async () => {
  const path = join(temporaryFolder(), 'tombstones.json');
  await addTombstones(path, [{ exampleId: exampleIdOf('hello'), leakKey: null }]);
  const tombstones = await readTombstones(path);
  assert.equal(isForgotten(tombstones, keyOf('hello')), true);
  assert.equal(isForgotten(tombstones, keyOf('hello!')), false);
});

test('the same set is the same file, and neither text nor id stands in it', async () => {
  const [one, other] = [
    join(temporaryFolder(), 'tombstones.json'),
    join(temporaryFolder(), 'tombstones.json'),
  ];
  await addTombstones(one, [keyOf('a b'), keyOf('c d')]);
  await addTombstones(other, [keyOf('c d')]);
  await addTombstones(other, [keyOf('a b'), keyOf('c d')]);
  const text = readFileSync(one, 'utf8');
  assert.equal(readFileSync(other, 'utf8'), text);
  assert.ok(!text.includes(exampleIdOf('a b')) && !text.includes('a b'));
});

test('a broken file is an error: going on would bring rows back', async () => {
  const path = join(temporaryFolder(), 'tombstones.json');
  assert.deepEqual(await readTombstones(path), {
    exampleIdSha256: new Set(),
    leakKeySha256: new Set(),
  });
  writeFileSync(path, '{"formatVersion": 1}');
  await assert.rejects(readTombstones(path), failingWith('E_TOMBSTONES', path));
});
