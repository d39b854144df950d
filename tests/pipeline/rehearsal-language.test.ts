import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { listArtifacts } from '#cache/artifact-store.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { characterProject } from '#tests/support/character-project.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { rehearseIn } from '#tests/support/rehearsal.ts';

test('a GPT-2 in safetensors becomes a teacher, and a smoke run tries every stage with it', async () => {
  const project = characterProject('causal-lm', 'gpt2', 'gpt2');
  const added = await succeed(project, 'teacher', 'add', './teacher');
  assert.match(added, /onnx\/model\.onnx/);
  const smoke = await succeed(project, 'run', '--smoke');
  assert.match(smoke, /all \d+ stages work: prepare, soft-label, .*export-student:distilled/);
  assert.ok(!existsSync(project.path('.decant')));
});

test('students of a masked language model are rehearsed before it is asked, the export too', async () => {
  const project = characterProject('masked-lm', 'bert-masked-lm', 'modernbert');
  const graph = await checkpointOnnx(project.path('teacher'));
  writeFileSync(project.path('teacher', 'model.onnx'), graph);
  await succeed(project, 'run', '--to', 'prepare');
  const [prepared] = await listArtifacts(project.path('.decant'), 'prepare');
  assert.ok(prepared !== undefined);
  const [said = ''] = await rehearseIn(project, prepared);
  assert.match(said, /train-student:distilled.*export-student/);
});
