import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFileDigests } from '#cache/file-digests.ts';
import { loadConfig } from '#pipeline/config/config.ts';
import { recipeOf } from '#pipeline/run/plan.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { miniProject } from '#tests/support/mini-project.ts';
import { repository } from '#tests/support/paths.ts';

/**
 * What the soft labels of the mini sample are fingerprinted by. Whoever changes it makes every cache of
 * every user stale: only for other values, and then together with the version of the stage.
 */
const golden = join(repository, 'tests', 'golden', 'recipes', 'soft-label.json');

test('a new Decant finds the teacher cache of this one fresh', async () => {
  const project = miniProject();
  const loaded = loadConfig({ file: project.path('decant.yaml'), environment: {}, set: [] });
  const instance = graphOf(loaded).find(({ name }) => name === 'soft-label');
  assert.ok(instance !== undefined);
  const recipe = await recipeOf(instance, await openFileDigests(project.path('digests.json')));
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(golden, `${JSON.stringify(recipe, null, 2)}\n`);
  }
  assert.deepEqual(recipe, JSON.parse(readFileSync(golden, 'utf8')));
});
