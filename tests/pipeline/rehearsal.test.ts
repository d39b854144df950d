import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type Artifact, listArtifacts } from '#cache/artifact-store.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { rehearseIn } from '#tests/support/rehearsal.ts';
import { smallProject } from '#tests/support/small-project.ts';

const { variants, 'hard-relabel': relabel } = miniConfig;
const project = smallProject({ variants, 'hard-relabel': relabel });
const store = project.path('.decant');
let prepared: Artifact;

before(async () => {
  await succeed(project, 'run', '--to', 'prepare');
  const [sealed] = await listArtifacts(store, 'prepare');
  assert.ok(sealed !== undefined);
  prepared = sealed;
});

const rehearsal = (set: readonly string[] = [], counts = prepared.manifest.counts) =>
  rehearseIn(project, { ...prepared, manifest: { ...prepared.manifest, counts } }, set);

test('tries every student and the export, and leaves nothing', async () => {
  const [said = ''] = await rehearsal();
  for (const name of [
    ...Object.keys(variants).map((one) => `train-student:${one}`),
    'export-student:distilled',
  ]) {
    assert.ok(said.includes(name), `${name} in: ${said}`);
  }
  assert.ok(!existsSync(join(store, 'partial', 'rehearsal')));
});

test('tries students of a cache of any form', async () => {
  await rehearsal(['soft-label.keep=all', 'variants.distilled.temperature=3']);
  await rehearsal(['soft-label.keep=sampled', 'soft-label.temperatures=[2]']);
  await rehearsal(['soft-label.precision=compact']);
});

test('tries students of several teachers', async () => {
  const [said = ''] = await rehearsal([
    'teachers.twin.model=teacher',
    'variants.distilled.teachers=["twin"]',
    'variants.mixed={}',
  ]);
  assert.match(said, /train-student:distilled, .*train-student:mixed/);
});

test('names the student that would fail after the teacher', async () => {
  const wrong = rehearsal(['variants.distilled.temperature=3']);
  await assert.rejects(wrong, /train-student:distilled would fail later: temperature 3 is not/);
  const tooLong = rehearsal(['variants.relabelled.maxLength=2']);
  await assert.rejects(tooLong, /train-student:relabelled would fail later: .*maxLength is 2/);
});

test('says how much room the soft labels need before it tries anything', async () => {
  const counts = { ...prepared.manifest.counts, trainRows: 1e15 };
  await assert.rejects(rehearsal([], counts), /need up to [\d.]+ GB, and [\d.]+ [GM]B are free/);
});

test('does not try again what was made with the same settings', async () => {
  await succeed(project, 'run');
  assert.deepEqual(await rehearsal(), []);
  const [said = ''] = await rehearsal(['variants.distilled.steps=21']);
  // What it starts from, or what is exported of it, is tried along with it.
  assert.match(said, /^tries train-student:distilled on/);
});
