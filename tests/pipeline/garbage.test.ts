import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { partialFolder } from '#cache/artifact-store.ts';
import { findGarbage, type GarbageRules } from '#pipeline/caches/garbage.ts';
import { writeTag } from '#pipeline/history/run-tags.ts';
import { statusOf } from '#pipeline/project.ts';
import { fakeInstance } from '#tests/support/fake-graph.ts';
import { fakeProject, fakeRun } from '#tests/support/fake-project.ts';
import { sealed } from '#tests/support/sealed.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const DAY_MS = 86_400_000;

/** A store with three generations of one student; the project's graph has only `prepare`. */
async function world() {
  const store = temporaryFolder();
  const corpus = await sealed(store, 'prepare', 'corpus');
  const students = await Promise.all(
    [1, 2, 3].map((generation) =>
      sealed(store, 'train-student:a', `student ${generation}`, { from: [corpus] }),
    ),
  );
  for (const [index, { manifest }] of students.entries()) {
    fakeRun(store, `2026010${index + 1}T000000-aaaa`, [manifest]);
  }
  const project = fakeProject(store, [fakeInstance('prepare')]);
  const find = async (rules: Partial<GarbageRules> = {}) => {
    const all = { keepRuns: 1, olderThanMs: 0, nowMs: Date.now() + DAY_MS, ...rules };
    const { garbage } = await findGarbage(project, all);
    return garbage.map(({ path }) => path).sort();
  };
  return { store, project, folders: students.map(({ folder }) => folder), find };
}

test('what only older runs made is garbage; the newest runs and their inputs are kept', async () => {
  const { folders, find } = await world();
  assert.deepEqual(await find({ keepRuns: 1 }), folders.slice(0, 2).sort());
  assert.deepEqual(await find({ keepRuns: 2 }), folders.slice(0, 1));
  assert.deepEqual(await find({ keepRuns: 5 }), []);
});

test('a tag keeps what its run made', async () => {
  const { store, folders, find } = await world();
  await writeTag(store, 'best', '20260101T000000-aaaa');
  assert.deepEqual(await find(), [folders[1]]);
});

test('nothing young is removed', async () => {
  const { find } = await world();
  assert.deepEqual(await find({ olderThanMs: 7 * DAY_MS }), []);
  const inTenDays = Date.now() + 10 * DAY_MS;
  assert.equal((await find({ olderThanMs: 7 * DAY_MS, nowMs: inTenDays })).length, 2);
});

test('failed runs take no place of good ones', async () => {
  const { store, folders, find } = await world();
  fakeRun(store, '20260104T000000-aaaa', [], { status: 'failed', exitCode: 3 });
  assert.deepEqual(await find({ keepRuns: 1 }), folders.slice(0, 2).sort());
});

test('the newest artifact of a stage stays although it is stale: the next run takes rows over', async () => {
  const store = temporaryFolder();
  const old = await sealed(store, 'soft-label', 'a', { at: '2026-01-01T00:00:00.000Z' });
  await sealed(store, 'soft-label', 'b', { at: '2026-01-02T00:00:00.000Z' });
  const project = fakeProject(store, [
    fakeInstance('prepare'),
    fakeInstance('soft-label', ['prepare']),
  ]);
  const rules = { keepRuns: 0, olderThanMs: 0, nowMs: Date.now() + DAY_MS };
  const { garbage } = await findGarbage(project, rules);
  assert.deepEqual(
    garbage.map(({ path }) => path),
    [old.folder],
  );
});

test('a partial folder that the next run would resume stays, others go', async () => {
  const { store, project, find } = await world();
  const freshness = (await statusOf(project, { rehash: false })).get('prepare');
  assert.ok(freshness?.state === 'stale');
  const resumable = partialFolder(store, freshness.order);
  const others = ['removed-1', 'soft-label-0123456789abcdef'];
  for (const folder of [resumable, ...others.map((name) => join(store, 'partial', name))]) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'part'), '');
  }
  const names = (await find({ keepRuns: 5 })).map((path) => basename(path));
  assert.deepEqual(names, others);
});
