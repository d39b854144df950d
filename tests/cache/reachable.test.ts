import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachable } from '#cache/reachable.ts';
import { sealed } from '#tests/support/sealed.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('what an artifact was made of is reached, through all generations, and nothing else', async () => {
  const store = temporaryFolder();
  const corpus = await sealed(store, 'prepare', 'corpus');
  const rows = await sealed(store, 'soft-label', 'rows', { from: [corpus] });
  const student = await sealed(store, 'train-student:a', 'student', { from: [corpus, rows] });
  const other = await sealed(store, 'train-student:b', 'other', { from: [corpus, rows] });
  const found = reachable([corpus, rows, student, other], [student]);
  assert.deepEqual(found, new Set([student, rows, corpus]));
});

test('of several artifacts with the same output the newest is taken', async () => {
  const store = temporaryFolder();
  const old = await sealed(store, 'prepare', 'same', { at: '2026-01-01T00:00:00.000Z' });
  const fresh = await sealed(temporaryFolder(), 'prepare', 'same', {
    at: '2026-02-01T00:00:00.000Z',
  });
  const rows = await sealed(store, 'soft-label', 'rows', { from: [old] });
  assert.deepEqual(reachable([old, fresh, rows], [rows]), new Set([rows, fresh]));
});
