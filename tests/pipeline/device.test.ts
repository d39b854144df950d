import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFileDigests } from '#cache/file-digests.ts';
import { loadConfig } from '#pipeline/config/config.ts';
import { recipeOf } from '#pipeline/run/plan.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { failingWith } from '#tests/support/failure.ts';
import { miniProject } from '#tests/support/mini-project.ts';

const project = miniProject();

function instancesAt(...set: string[]) {
  return graphOf(loadConfig({ file: project.path('decant.yaml'), environment: {}, set }));
}

test('cuda:1 is the GPU of that number for the teacher, for training and for evaluating the teacher', () => {
  const byName = new Map(instancesAt('device=cuda:1').map((one) => [one.name, one.config]));
  for (const name of ['soft-label', 'train-student:distilled', 'evaluate:teacher']) {
    const { device, deviceId } = byName.get(name) ?? {};
    assert.deepEqual([device, deviceId], ['cuda', 1], name);
  }
});

test('which GPU it is, and strict, change no recipe but that of the report, which shows them', async () => {
  const digests = await openFileDigests(project.path('digests.json'));
  const recipes = async (...set: string[]) =>
    Promise.all(
      instancesAt(...set)
        .filter(({ name }) => name !== 'report')
        .map((one) => recipeOf(one, digests)),
    );
  assert.deepEqual(await recipes('device=cuda:1', 'strict=true'), await recipes('device=cuda'));
});

test('a device that nobody knows is refused with those that there are', () => {
  for (const device of ['gpu', 'cuda:', 'cuda:x', 'cpu:0']) {
    assert.throws(
      () => instancesAt(`device='${device}'`),
      failingWith('E_CONFIG', 'device: is auto, cpu, cuda, or cuda:N'),
    );
  }
});
