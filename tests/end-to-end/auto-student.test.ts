import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import type { Outcome } from '#pipeline/outcome.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';

test('architecture: auto trains three students from one cache, recommends one, exports it and shows why', async () => {
  const project = smallProject();
  const config = {
    ...miniConfig,
    ...smallConfig,
    student: { architecture: 'auto', layers: 1, hiddenSize: 16, steps: 20, evaluateEvery: 20 },
    variants: { distilled: {} },
    'hard-relabel': undefined,
  };
  writeFileSync(project.path('decant.yaml'), stringify(config));
  const outcome = JSON.parse(await succeed(project, 'run', '--json')) as Outcome;
  assert.deepEqual(
    outcome.models.map(({ name }) => name).filter((name) => name !== 'teacher'),
    ['distilled-bag', 'distilled-textcnn', 'distilled-modernbert', 'distilled'],
  );
  const [chosen] = outcome.choices ?? [];
  assert.ok(chosen !== undefined);
  const files = new Map(chosen.choice.candidates.map((one) => [one.name, one.fileBytes]));
  const figuresOf = (name: string) => outcome.models.find((one) => one.name === name)?.metrics;
  assert.equal(figuresOf('distilled')?.fileBytes, files.get(chosen.choice.chosen));
  const again = await succeed(project, 'run');
  assert.match(again, /distilled +validation accuracy +file +latency p50/);
  assert.match(again, /recommended[\s\S]*within .* points of the best accuracy on/);
  const report = readFileSync(outcome.report ?? '', 'utf8');
  assert.match(report, /Choice of the student[\s\S]*distilled-textcnn[\s\S]*yes/);
  const exported = JSON.parse(readFileSync(join(outcome.student ?? '', 'config.json'), 'utf8'));
  assert.match(exported.model_type, new RegExp(chosen.choice.chosen.replace('distilled-', '')));
});
