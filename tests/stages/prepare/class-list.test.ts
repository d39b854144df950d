import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readClassList } from '#stages/prepare/class-list.ts';
import { usesNumbers } from '#stages/prepare/known-labels.ts';
import { failureOf } from '#tests/support/failure.ts';
import { sourceRow } from '#tests/support/source-row.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

function teacherConfig(value: unknown): string {
  const path = join(temporaryFolder(), 'config.json');
  writeFileSync(path, JSON.stringify(value));
  return path;
}

test('classes come from id2label in the order of its numbers, not of its lines', async () => {
  const path = teacherConfig({ id2label: { 2: 'c', 0: 'a', 1: 'b' } });
  assert.deepEqual((await readClassList(path, undefined)).classNames, ['a', 'b', 'c']);
});

test('configured names in another order change nothing: the order of the teacher holds', async () => {
  const path = teacherConfig({ id2label: { 0: 'a', 1: 'b', 2: 'c' } });
  const list = await readClassList(path, ['c', 'a', 'b']);
  assert.deepEqual(list.classNames, ['a', 'b', 'c']);
  assert.equal(list.idOfLabel.get('c'), 2);
});

test('configured names that are not those of the teacher are refused one by one', async () => {
  const path = teacherConfig({ id2label: { 0: 'arrival', 1: 'refund' } });
  const failure = await failureOf(readClassList(path, ['arival', 'refund']));
  assert.equal(failure.code, 'E_CLASS_NAMES');
  assert.match(failure.message, /"arival" is no class of the teacher \(nearest: "arrival"\)/);
  assert.match(failure.message, /"arrival" is missing/);
});

test('a teacher with numbered outputs takes labels by number, and names from the settings', async () => {
  const path = teacherConfig({ id2label: { 0: 'LABEL_0', 1: 'LABEL_1' } });
  const bare = await readClassList(path, undefined);
  assert.deepEqual(bare.classNames, ['LABEL_0', 'LABEL_1']);
  assert.equal(bare.idOfLabel.get('1'), 1);
  assert.equal(bare.idOfLabel.has('2'), false);
  assert.ok(usesNumbers([sourceRow('x', '1')], bare));
  const named = await readClassList(path, ['no', 'yes']);
  assert.deepEqual(named.classNames, ['no', 'yes']);
  assert.deepEqual(
    ['yes', '1', 'LABEL_1'].map((label) => named.idOfLabel.get(label)),
    [1, 1, 1],
  );
  const failure = await failureOf(readClassList(path, ['no', 'yes', 'maybe']));
  assert.match(failure.message, /3 names.*2 numbered/);
});

test('labels that look like numbers are matched by name first', async () => {
  const stars = await readClassList(teacherConfig({ id2label: { 0: '5', 1: '1' } }), undefined);
  assert.equal(stars.idOfLabel.get('1'), 1);
  assert.equal(stars.idOfLabel.has('0'), false);
  const numbered = teacherConfig({ num_labels: 2 });
  const swapped = await readClassList(numbered, ['1', '0']);
  assert.equal(swapped.idOfLabel.get('1'), 0);
});

test('a teacher config that cannot be used is named', async () => {
  const gap = teacherConfig({ id2label: { 0: 'a', 2: 'c' } });
  assert.match(
    (await failureOf(readClassList(gap, undefined))).message,
    /id2label lacks the number 1/,
  );
  const twice = teacherConfig({ id2label: { 0: 'a', 1: 'a' } });
  assert.match((await failureOf(readClassList(twice, undefined))).message, /"a" stands twice/);
  const missing = join(temporaryFolder(), 'config.json');
  assert.equal((await failureOf(readClassList(missing, undefined))).code, 'E_TEACHER_FILES');
  assert.equal((await failureOf(readClassList(undefined, undefined))).code, 'E_TEACHER_FILES');
  assert.deepEqual((await readClassList(undefined, ['x', 'y'])).classNames, ['x', 'y']);
});
