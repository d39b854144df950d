import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { askedBy, recordOf } from '#pipeline/forget/asked.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('what stays of a condition holds nothing of the rows', () => {
  const kept = (condition: string) => recordOf({ by: 'where', condition }).what;
  assert.equal(kept("source_id = 'erika@example.org'"), 'source_id = ...');
  assert.equal(kept("text like E'it\\'s me'"), 'text like E...');
  assert.equal(kept('text = $$erika$$ or true'), 'text = ...');
  assert.equal(kept('weight > 4711'), 'weight > ...');
  assert.equal(kept('true'), 'true');
});

test('the same question is known again by its digests', async () => {
  const path = join(temporaryFolder(), 'ids.txt');
  writeFileSync(path, 'u17\r\n\n  u4 \n');
  const asked = await askedBy({ ids: path });
  assert.deepEqual(asked, { by: 'ids', file: 'ids.txt', lines: ['u17', 'u4'] });
  const swapped = recordOf({ by: 'ids', file: 'other.txt', lines: ['u4', 'u17'] });
  assert.deepEqual(recordOf(asked).sha256, swapped.sha256);
});

test('a file of ids that is not there is a usage error', async () => {
  await assert.rejects(askedBy({ ids: 'nowhere.txt' }), failingWith('E_FORGET', 'nowhere.txt'));
});
