import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { test } from 'node:test';
import { loadConfig } from '#pipeline/config/config.ts';
import { reproducingCommand } from '#pipeline/history/reproducing-command.ts';
import { smallProject } from '#tests/support/small-project.ts';

const project = smallProject();
const commandOf = (name: string, set: readonly string[], environment = {}) =>
  reproducingCommand(loadConfig({ file: project.path(name), environment, set }));

test('the command names another file and all that stands outside of it, and gives the same settings again', () => {
  assert.equal(commandOf('decant.yaml', []), 'npx decant run');
  const set = ['student.steps=7', "report.title=It's mine"];
  assert.equal(
    commandOf('decant.yaml', set, { DECANT_SEED: '5' }),
    `npx decant run --set student.steps=7 --set seed=5 --set 'report.title="It'\\''s mine"'`,
  );
  cpSync(project.path('decant.yaml'), project.path('other file.yaml'));
  assert.equal(commandOf('other file.yaml', []), "npx decant run --config 'other file.yaml'");
  const again = loadConfig({
    file: project.path('decant.yaml'),
    environment: {},
    set: ['seed=5', 'student.steps=7', `report.title="It's mine"`],
  });
  const first = loadConfig({
    file: project.path('decant.yaml'),
    environment: { DECANT_SEED: '5' },
    set: set.slice(0, 2),
  });
  assert.deepEqual(again.config, first.config);
});
