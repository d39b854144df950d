import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, before, describe, test } from 'node:test';
import { assertRefused } from '#tests/support/cli-result.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { smallProject } from '#tests/support/small-project.ts';

describe('a run is refused because of its settings', () => {
  let project: MiniProject;
  let decantYaml: string;

  before(() => {
    project = smallProject();
    decantYaml = readFileSync(project.path('decant.yaml'), 'utf8');
  });

  afterEach(() => {
    assert.ok(!existsSync(project.path('.decant')), 'nothing was begun');
    writeFileSync(project.path('decant.yaml'), decantYaml);
  });

  const run = (...args: readonly string[]) => project.decant('run', ...args);
  const rewrite = (change: (text: string) => string) =>
    writeFileSync(project.path('decant.yaml'), change(decantYaml));

  test('names every unknown one with its path and the nearest known one', async () => {
    rewrite((text) => text.toString().replace('topK', 'topk').replace('teacher:', 'techer:'));
    assertRefused(
      await run(),
      2,
      /techer: unknown setting; did you mean teacher\?/,
      /soft-label\.topk: unknown setting; did you mean topK\?/,
      /config schema/,
    );
  });

  test('names one of the wrong type', async () => {
    assertRefused(await run('--set', 'teacher.maxLength=long'), 2, /teacher\.maxLength: /);
  });

  test('names an environment variable that means nothing', async () => {
    process.env['DECANT_TEACHER__MAX_LENGHT'] = '64';
    const result = await run().finally(() => delete process.env['DECANT_TEACHER__MAX_LENGHT']);
    assertRefused(
      result,
      2,
      /DECANT_TEACHER__MAX_LENGHT: .*did you mean DECANT_TEACHER__MAX_LENGTH/,
    );
  });

  test('names the line of broken YAML', async () => {
    rewrite((text) => `${text.toString()}\n  : [\n`);
    assertRefused(await run(), 2, /decant\.yaml has .*:\n +line \d+: /);
  });

  test('says what to do when there is no decant.yaml', async () => {
    assertRefused(
      await run('--config', 'other.yaml'),
      2,
      /other\.yaml: there is no such file/,
      /--config/,
    );
  });

  test('names an unknown stage and the nearest one', async () => {
    assertRefused(
      await project.decant('run', 'soft-lable'),
      2,
      /there is no stage "soft-lable"; did you mean soft-label\?/,
      /stages: prepare, soft-label/,
    );
  });

  test('names an unknown option of the command line', async () => {
    assertRefused(await run('--frobnicate'), 2, /unknown option '--frobnicate'/);
  });

  test('names an unknown variant and where it is asked for', async () => {
    assertRefused(
      await run('--set', 'variants.distilled.initFrom=distiled'),
      2,
      /variants\.distilled\.initFrom: there is no variant "distiled"; /,
    );
  });
});
